// Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents", "Compressed Grains".
import type { ByteFile } from '../../file/byte-file.ts';
import type { Decompressor } from '../../native/native.ts';
import { GRAIN_MARKER_SIZE, parseGrainMarker } from './marker.ts';
import type { SparseHeader } from './sparse-header.ts';
import { SECTOR_SIZE } from './vmdk-limits.ts';
import { malformed } from './vmdk-refusal.ts';

export interface StoredGrain {
  readonly index: number;
  /** Where its marker lies in the file. */
  readonly fileOffset: number;
}

/** Decompresses grains, keeping the last one for readers that take it in pieces. */
export class GrainInflater implements Disposable {
  readonly #file: ByteFile;
  readonly #header: SparseHeader;
  readonly #decompressor: Decompressor;
  readonly #marker = new Uint8Array(GRAIN_MARKER_SIZE);
  readonly #stored: Uint8Array;
  readonly #grain: Uint8Array;
  #held = -1;

  constructor(file: ByteFile, header: SparseHeader, decompressor: Decompressor) {
    this.#file = file;
    this.#header = header;
    this.#decompressor = decompressor;
    // Zlib never adds more than a few bytes a block to what it cannot compress; a stored grain over this was not made by a compressor.
    this.#stored = new Uint8Array(header.grainSize + header.grainSize / 8 + SECTOR_SIZE);
    this.#grain = new Uint8Array(header.grainSize);
  }

  /** Fills `into` with the grain's bytes from `within` on. */
  read(grain: StoredGrain, within: number, into: Uint8Array): void {
    if (within === 0 && into.length === this.#header.grainSize) {
      this.#inflate(grain, into);
      return;
    }
    if (this.#held !== grain.index) {
      this.#held = -1;
      this.#inflate(grain, this.#grain);
      this.#held = grain.index;
    }
    into.set(this.#grain.subarray(within, within + into.length));
  }

  #inflate(grain: StoredGrain, into: Uint8Array): void {
    const stored = this.#readStored(grain);
    try {
      this.#decompressor.decompress(stored, into);
    } catch (cause) {
      if (this.#inflateShort(grain, stored, into)) return;
      const at = { path: this.#file.path, offset: grain.fileOffset };
      throw Object.assign(malformed(`grain ${grain.index} does not decompress to the ${into.length} bytes of a grain`, at), { cause });
    }
  }

  /** The last grain of a disk may hold only what the disk has left. */
  #inflateShort(grain: StoredGrain, stored: Uint8Array, into: Uint8Array): boolean {
    const left = this.#header.capacity - grain.index * this.#header.grainSize;
    if (left >= into.length) return false;
    try {
      this.#decompressor.decompress(stored, into.subarray(0, left));
    } catch {
      return false;
    }
    into.fill(0, left);
    return true;
  }

  #readStored(grain: StoredGrain): Uint8Array {
    const { path, size } = this.#file;
    const at = { path, offset: grain.fileOffset };
    this.#file.read(grain.fileOffset, this.#marker);
    const { sector, storedSize } = parseGrainMarker(this.#marker);
    const expected = (grain.index * this.#header.grainSize) / SECTOR_SIZE;
    if (sector !== expected) throw malformed(`the marker of grain ${grain.index} says sector ${sector} of the disk instead of ${expected}`, at);
    if (storedSize === 0) throw malformed(`the marker of grain ${grain.index} says that nothing follows`, at);
    if (storedSize > this.#stored.length) {
      throw malformed(
        `the marker of grain ${grain.index} says that ${storedSize} bytes follow, more than any compressor makes of ${this.#header.grainSize}`,
        at,
      );
    }
    const start = grain.fileOffset + GRAIN_MARKER_SIZE;
    if (start + storedSize > size) throw malformed(`grain ${grain.index} is said to take ${storedSize} bytes, but the file ends at ${size}`, at);
    const stored = this.#stored.subarray(0, storedSize);
    this.#file.read(start, stored);
    return stored;
  }

  [Symbol.dispose](): void {
    this.#decompressor[Symbol.dispose]();
  }
}

import { endOf, HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';

/** Changes are of whole sectors of this size (MS-VHDX 2.3.1). */
const SECTOR = 4096;

/** What a log makes of a file. A sector is bytes, or undefined for zeros. */
export interface Replay {
  readonly sectors: ReadonlyMap<number, Uint8Array | undefined>;
  readonly size: number;
}

/** A file as it would be once its log were replayed. The file itself is only read; it has no descriptor to copy from, as its bytes are not those of the disk. */
export class ReplayedFile implements ByteFile {
  readonly path: string;
  readonly size: number;
  readonly #file: ByteFile;
  readonly #sectors: Replay['sectors'];
  /** Numbers of the changed sectors, in rising order. */
  readonly #changed: Float64Array;

  constructor(file: ByteFile, { sectors, size }: Replay) {
    this.#file = file;
    this.path = file.path;
    this.size = size;
    this.#sectors = sectors;
    this.#changed = Float64Array.from(sectors.keys()).sort();
  }

  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.size) {
      throw new HyperError('image/malformed', `${this.path} ends at byte ${this.size}, before byte ${offset + into.length} that it refers to.`, {
        detail: { path: this.path, offset, length: into.length },
      });
    }
    const inFile = Math.min(into.length, Math.max(0, this.#file.size - offset));
    if (inFile > 0) this.#file.read(offset, into.subarray(0, inFile));
    into.fill(0, inFile);
    const end = offset + into.length;
    for (let at = this.#firstFrom(offset); at < this.#changed.length; at += 1) {
      const number = this.#changed[at] ?? Infinity;
      if (number * SECTOR >= end) return;
      this.#patch(number, offset, into);
    }
  }

  *extents(range: ByteRange): Generator<Extent> {
    if (range.length === 0) return;
    const next = (this.#changed[this.#firstFrom(range.offset)] ?? Infinity) * SECTOR;
    // Changed sectors lie in tables, of which pieces are looked at, not in the content of blocks.
    if (next < endOf(range)) {
      yield { ...range, kind: 'data' };
      return;
    }
    const inFile = Math.min(range.length, Math.max(0, this.#file.size - range.offset));
    yield* this.#file.extents({ offset: range.offset, length: inFile });
    if (inFile < range.length) yield { offset: range.offset + inFile, length: range.length - inFile, kind: 'hole' };
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #patch(number: number, offset: number, into: Uint8Array): void {
    const start = number * SECTOR;
    const from = Math.max(start, offset);
    const to = Math.min(start + SECTOR, offset + into.length);
    const bytes = this.#sectors.get(number);
    if (bytes) into.set(bytes.subarray(from - start, to - start), from - offset);
    else into.fill(0, from - offset, to - offset);
  }

  /** Index of the first changed sector that ends behind `offset`. */
  #firstFrom(offset: number): number {
    let low = 0;
    let high = this.#changed.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (((this.#changed[middle] ?? 0) + 1) * SECTOR <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

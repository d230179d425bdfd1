// Virtual Hard Disk Image Format Specification 1.0, "Data Blocks": the most significant bit of a byte is that of its first sector.
import type { ByteFile } from '../../file/byte-file.ts';
import { SECTOR_SIZE } from './vhd-limits.ts';

/** Bitmaps held at once: those of 128 MiB of a disk with blocks of 2 MiB, in 32 KiB. Fewer of larger ones. */
const KEPT_SIZE = 128 * 1024;

/** A run of sectors of one block, all written or all not. */
export interface SectorRun {
  readonly isWritten: boolean;
  readonly count: number;
}

/** Reads the bitmaps of blocks as they are needed, and keeps those used last. */
export class SectorBitmaps {
  readonly #file: ByteFile;
  readonly #size: number;
  readonly #sectorCount: number;
  readonly #countKept: number;
  readonly #kept = new Map<number, Uint8Array>();

  constructor(file: ByteFile, { bitmapSize, blockSize }: { readonly bitmapSize: number; readonly blockSize: number }) {
    this.#file = file;
    this.#size = bitmapSize;
    this.#sectorCount = blockSize / SECTOR_SIZE;
    this.#countKept = Math.max(1, Math.floor(KEPT_SIZE / bitmapSize));
  }

  /** The run from `sector` of the block on, whose bitmap lies at `offset`; at most `limit` sectors. */
  runAt(offset: number, sector: number, limit: number): SectorRun {
    const bits = this.#bitmapAt(offset);
    const end = Math.min(this.#sectorCount, sector + limit);
    const isWritten = bitOf(bits, sector);
    const full = isWritten ? 0xff : 0;
    let at = sector + 1;
    while (at < end) {
      if (at % 8 === 0 && bits[at / 8] === full) at += 8;
      else if (bitOf(bits, at) === isWritten) at += 1;
      else break;
    }
    return { isWritten, count: Math.min(at, end) - sector };
  }

  #bitmapAt(offset: number): Uint8Array {
    const known = this.#kept.get(offset);
    if (known) return known;
    if (this.#kept.size >= this.#countKept) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    }
    const bits = new Uint8Array(this.#size);
    this.#file.read(offset, bits);
    this.#kept.set(offset, bits);
    return bits;
  }
}

const bitOf = (bits: Uint8Array, sector: number): boolean => ((bits[Math.floor(sector / 8)] ?? 0) & (0x80 >>> (sector % 8))) !== 0;

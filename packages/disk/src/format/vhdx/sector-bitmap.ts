// MS-VHDX 2.4 "Blocks": a bit for each logical sector of a chunk, the lowest bit of a byte first; set when the sector is in this file and not in its parent.
import type { ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';

/** The bits of one block. The last one asked for is held. */
export class SectorBitmaps {
  readonly #file: ByteFile;
  #bits = Buffer.alloc(0);
  #offset = -1;

  constructor(file: ByteFile) {
    this.#file = file;
  }

  /** Whether the sector `first` of a block is here, and how many sectors from it on, at most `limit`, are where it is. */
  run(place: ByteRange, first: number, limit: number): { readonly isHere: boolean; readonly count: number } {
    const bits = this.#load(place);
    const bit = bitAt(bits, first);
    const whole = bit === 1 ? 0xff : 0;
    let end = first + 1;
    while (end < first + limit) {
      // Whole bytes alike are passed at once.
      if (end % 8 === 0 && bits[end / 8] === whole) end += 8;
      else if (bitAt(bits, end) === bit) end += 1;
      else break;
    }
    return { isHere: bit === 1, count: Math.min(end - first, limit) };
  }

  #load(place: ByteRange): Buffer {
    if (this.#offset === place.offset) return this.#bits;
    if (this.#bits.length !== place.length) this.#bits = Buffer.alloc(place.length);
    this.#offset = -1;
    this.#file.read(place.offset, this.#bits);
    this.#offset = place.offset;
    return this.#bits;
  }
}

const bitAt = (bits: Uint8Array, index: number): number => ((bits[index >>> 3] ?? 0) >>> (index & 7)) & 1;

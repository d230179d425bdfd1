import { ALIGNMENT } from './vhdx-limits.ts';

const PAGE_SIZE = 4096;
const PIECES_PER_PAGE = PAGE_SIZE * 8;

/** Bit pages held at most: 16 MiB, enough for a full file of 128 TiB. */
const PAGES_MAX = 4096;

/** Remembers which parts of a file belong to a block, so that a second block there is noticed: one bit a MiB. */
export class BlockClaims {
  readonly #pages = new Map<number, Uint8Array>();

  /** Claims whole MiB of the file; answers what is wrong when they may not be claimed. */
  claim(offset: number, length: number): 'overlap' | 'too-many' | undefined {
    for (let piece = offset / ALIGNMENT; piece < (offset + length) / ALIGNMENT; piece += 1) {
      const page = this.#page(Math.floor(piece / PIECES_PER_PAGE));
      if (!page) return 'too-many';
      const bit = piece % PIECES_PER_PAGE;
      const before = page[bit >>> 3] ?? 0;
      if ((before & (1 << (bit & 7))) !== 0) return 'overlap';
      page[bit >>> 3] = before | (1 << (bit & 7));
    }
    return undefined;
  }

  #page(number: number): Uint8Array | undefined {
    const known = this.#pages.get(number);
    if (known || this.#pages.size >= PAGES_MAX) return known;
    const page = new Uint8Array(PAGE_SIZE);
    this.#pages.set(number, page);
    return page;
  }
}

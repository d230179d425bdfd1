import { KIB } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';

const PAGE_SIZE = 64 * KIB;
const PAGE_ENTRIES = PAGE_SIZE / 8;

export interface OffsetTablePlace {
  readonly offset: number;
  readonly count: number;
  /** Bits to be set in the high half of each entry that is not zero. */
  readonly highFlags: number;
}

/** A table of file offsets at a fixed place: the L1 table and the refcount table. Pages come into being when they are first written to, so a sparse disk takes little memory. */
export class OffsetTable {
  readonly #file: WritableFile;
  readonly #place: OffsetTablePlace;
  readonly #pages = new Map<number, Buffer>();
  readonly #changed = new Set<number>();

  constructor(file: WritableFile, place: OffsetTablePlace) {
    this.#file = file;
    this.#place = place;
  }

  get(index: number): number {
    const page = this.#pages.get(Math.floor(index / PAGE_ENTRIES));
    return page ? entryAt(page, (index % PAGE_ENTRIES) * 8) : 0;
  }

  set(index: number, offset: number): void {
    const number = Math.floor(index / PAGE_ENTRIES);
    const page = this.#pages.get(number) ?? Buffer.alloc(this.#sizeOf(number));
    const at = (index % PAGE_ENTRIES) * 8;
    page.writeUInt32BE(offset === 0 ? 0 : Math.floor(offset / 2 ** 32) + this.#place.highFlags, at);
    page.writeUInt32BE(offset % 2 ** 32, at + 4);
    this.#pages.set(number, page);
    this.#changed.add(number);
  }

  /** Writes the pages that changed since. */
  flush(): void {
    for (const number of this.#changed) {
      const page = this.#pages.get(number);
      if (page) this.#file.write(this.#place.offset + number * PAGE_SIZE, page);
    }
    this.#changed.clear();
  }

  /** Takes the table back from the file, without the entries that `keep` rejects. */
  restore(keep: (index: number, offset: number) => boolean): void {
    for (let number = 0; number * PAGE_ENTRIES < this.#place.count; number += 1) {
      const page = Buffer.alloc(this.#sizeOf(number));
      this.#file.read(this.#place.offset + number * PAGE_SIZE, page);
      if (page.some((byte) => byte !== 0)) this.#pages.set(number, page);
      else continue;
      for (let at = 0; at < page.length; at += 8) {
        const offset = entryAt(page, at);
        if (offset !== 0 && !keep(number * PAGE_ENTRIES + at / 8, offset)) this.set(number * PAGE_ENTRIES + at / 8, 0);
      }
    }
  }

  #sizeOf(page: number): number {
    return Math.min(PAGE_ENTRIES, this.#place.count - page * PAGE_ENTRIES) * 8;
  }
}

/** Bits 56 and above are flags. */
const entryAt = (page: Buffer, at: number): number => (page.readUInt32BE(at) % 2 ** 24) * 2 ** 32 + page.readUInt32BE(at + 4);

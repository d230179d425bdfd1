// MS-VHDX 2.5 "BAT": an entry for each payload block, and after each chunk of them one for the chunk's sector bitmap.
import { endOf, KIB, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { BoundedCache } from '../bounded-cache.ts';
import type { Metadata } from './metadata.ts';
import type { Regions } from './region-table.ts';
import { TableCheck } from './table-check.ts';
import { blockOfEntry, BLOCK_STATE, ENTRY_SIZE, entryAt, entryOfBlock, stateAt, tableShape, type Entry, type TableShape } from './table-entry.ts';
import { BITMAP_BLOCK_SIZE } from './vhdx-limits.ts';
import { malformed, type FilePlace } from './vhdx-refusal.ts';

/** Where a payload block is: in the file, whole or in the sectors that its bitmap tells; recorded as zeros; or not here at all. */
export type Block = { readonly kind: 'whole' | 'partial'; readonly fileOffset: number } | { readonly kind: 'zero' | 'absent' };

/** The table is read in pages: 8192 entries each. */
const PAGE_SIZE = 64 * KIB;
const PAGE_ENTRIES = PAGE_SIZE / ENTRY_SIZE;
/** Pages held: enough for a walk and a few reads elsewhere. */
const PAGES_HELD = 8;

interface BlockTableParts {
  readonly file: ByteFile;
  readonly metadata: Metadata;
  readonly regions: Regions;
}

/** Reads the block allocation table page by page; every page is checked as a whole when it is first seen. */
export class BlockTable {
  readonly #file: ByteFile;
  readonly #shape: TableShape;
  readonly #range: ByteRange;
  readonly #check: TableCheck;
  readonly #pages = new BoundedCache<Buffer>(PAGES_HELD);
  readonly #checked: Uint8Array;

  constructor({ file, metadata, regions }: BlockTableParts) {
    const shape = tableShape({ ...metadata, hasParent: metadata.parentLocator !== undefined });
    const length = shape.entryCount * ENTRY_SIZE;
    const { offset } = regions.blockTable;
    if (length > regions.blockTable.length) {
      throw malformed(`its block allocation table has ${regions.blockTable.length} bytes, and ${shape.entryCount} entries need ${length}`, {
        path: file.path,
        offset,
      });
    }
    this.#file = file;
    this.#shape = shape;
    this.#range = { offset, length };
    this.#check = new TableCheck({ file, metadata, areas: regions.areas, shape, offset });
    this.#checked = new Uint8Array(Math.ceil(shape.entryCount / PAGE_ENTRIES));
  }

  block(number: number): Block {
    const { state, fileOffset } = this.#entry(entryOfBlock(number, this.#shape.ratio));
    switch (state) {
      case BLOCK_STATE.present:
        return { kind: 'whole', fileOffset };
      case BLOCK_STATE.partial:
        return { kind: 'partial', fileOffset };
      case BLOCK_STATE.absent:
        return { kind: 'absent' };
      default:
        return { kind: 'zero' };
    }
  }

  /** The first block behind `number` that is not as absent, or as zero, as that one; `limit` at most, and none beyond the page. */
  alikeUpTo(number: number, limit: number): number {
    const { ratio } = this.#shape;
    const entry = entryOfBlock(number, ratio);
    const page = this.#page(entry);
    const isAbsent = stateAt(page, (entry % PAGE_ENTRIES) * ENTRY_SIZE) === BLOCK_STATE.absent;
    const end = Math.min(limit, this.pageEnd(number));
    let next = number + 1;
    for (; next < end; next += 1) {
      const at = (entryOfBlock(next, ratio) % PAGE_ENTRIES) * ENTRY_SIZE;
      const state = stateAt(page, at);
      if (state > BLOCK_STATE.unmapped || (state === BLOCK_STATE.absent) !== isAbsent) break;
    }
    return next;
  }

  /** Where the bits of a partial block lie in the file. */
  bitmap(number: number): ByteRange {
    const { ratio } = this.#shape;
    const chunk = Math.floor(number / ratio);
    const entry = (chunk + 1) * (ratio + 1) - 1;
    const { state, fileOffset } = this.#entry(entry);
    if (state !== BLOCK_STATE.present)
      throw malformed(`block ${number} is in part its parent's, yet no bitmap says which part`, this.#placeOf(entry));
    const length = BITMAP_BLOCK_SIZE / ratio;
    return { offset: fileOffset + (number % ratio) * length, length };
  }

  /** The first block from `number` on that may be here, `limit` at most: where the table is a hole of the file, none is. */
  nextUsed(number: number, limit: number): number {
    let block = number;
    while (block < limit) {
      const start = this.#placeOfPage(block);
      const [first] = this.#file.extents({ offset: start, length: endOf(this.#range) - start });
      if (!first || first.kind === 'data' || first.length < Math.min(PAGE_SIZE, endOf(this.#range) - start)) return block;
      const end = endOf(first) === endOf(this.#range) ? Infinity : Math.floor((endOf(first) - this.#range.offset) / PAGE_SIZE);
      block = end === Infinity ? limit : blockOfEntry(end * PAGE_ENTRIES, this.#shape.ratio);
    }
    return Math.min(block, limit);
  }

  /** The first block whose entry lies on a page behind that of `number`. */
  pageEnd(number: number): number {
    const page = Math.floor(entryOfBlock(number, this.#shape.ratio) / PAGE_ENTRIES);
    return blockOfEntry((page + 1) * PAGE_ENTRIES, this.#shape.ratio);
  }

  #placeOfPage(block: number): number {
    return this.#range.offset + Math.floor(entryOfBlock(block, this.#shape.ratio) / PAGE_ENTRIES) * PAGE_SIZE;
  }

  #entry(index: number): Entry {
    return entryAt(this.#page(index), (index % PAGE_ENTRIES) * ENTRY_SIZE);
  }

  #page(index: number): Buffer {
    return this.#pages.get(Math.floor(index / PAGE_ENTRIES), (number, dropped) => this.#load(number, dropped));
  }

  #load(number: number, dropped: Buffer | undefined): Buffer {
    const within = number * PAGE_SIZE;
    const page = dropped ?? Buffer.alloc(PAGE_SIZE);
    const length = Math.min(PAGE_SIZE, this.#range.length - within);
    this.#file.read(this.#range.offset + within, page.subarray(0, length));
    page.fill(0, length);
    if (this.#checked[number] === 0) this.#check.check(page.subarray(0, length), number * PAGE_ENTRIES);
    this.#checked[number] = 1;
    return page;
  }

  #placeOf(index: number): FilePlace {
    return { path: this.#file.path, offset: this.#range.offset + index * ENTRY_SIZE };
  }
}

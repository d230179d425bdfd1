// MS-VHDX 2.5 "BAT": an entry for each payload block, and after each chunk of them one for the chunk's sector bitmap.
import { endOf, KIB, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { BoundedCache } from '../qcow2/bounded-cache.ts';
import { BlockClaims } from './block-claims.ts';
import type { Metadata } from './metadata.ts';
import type { FileArea, Regions } from './region-table.ts';
import { ALIGNMENT, BITMAP_BLOCK_SIZE, chunkRatio } from './vhdx-limits.ts';
import { malformed, tooLarge, unsupported, type FilePlace } from './vhdx-refusal.ts';

/** Where a payload block is: in the file, whole or in the sectors that its bitmap tells; recorded as zeros; or not here at all. */
export type Block = { readonly kind: 'whole' | 'partial'; readonly fileOffset: number } | { readonly kind: 'zero' | 'absent' };

export const ENTRY_SIZE = 8;
/** States of a payload block (MS-VHDX 2.5.1.1) and of a sector bitmap block (2.5.1.2). */
export const BLOCK_STATE = { absent: 0, undefined: 1, zero: 2, unmapped: 3, present: 6, partial: 7 } as const;
/** MiB in an entry lie above its state and what is reserved. */
export const OFFSET_SHIFT = 20;

const STATE_BITS = 7;
/** State and reserved bits of an entry's lower half. */
const MEANINGFUL_BITS = 0xf_ffff;

/** The table is read in pages: 8192 entries each. */
const PAGE_SIZE = 64 * KIB;
const PAGE_ENTRIES = PAGE_SIZE / ENTRY_SIZE;
/** Pages held: enough for a walk and a few reads elsewhere. */
const PAGES_HELD = 8;

/** How a block's entries are numbered. */
export interface TableShape {
  readonly blockCount: number;
  readonly entryCount: number;
  readonly ratio: number;
}

export function tableShape(o: {
  readonly virtualSize: number;
  readonly blockSize: number;
  readonly sectorSize: number;
  readonly hasParent: boolean;
}): TableShape {
  const ratio = chunkRatio(o);
  const blockCount = Math.ceil(o.virtualSize / o.blockSize);
  // Only a differencing disk needs the bitmap of the last chunk.
  const entryCount = o.hasParent ? Math.ceil(blockCount / ratio) * (ratio + 1) : blockCount + Math.floor((blockCount - 1) / ratio);
  return { blockCount, entryCount, ratio };
}

export const entryOfBlock = (block: number, ratio: number): number => block + Math.floor(block / ratio);
/** The block of an entry; for the entry of a bitmap, the first block of the next chunk. */
const blockOfEntry = (entry: number, ratio: number): number => entry - Math.floor(entry / (ratio + 1));

interface BlockTableParts {
  readonly file: ByteFile;
  readonly metadata: Metadata;
  readonly regions: Regions;
}

/** Reads the block allocation table page by page; every page is checked as a whole when it is first seen. */
export class BlockTable {
  readonly #file: ByteFile;
  readonly #metadata: Metadata;
  readonly #areas: readonly FileArea[];
  readonly #shape: TableShape;
  readonly #range: ByteRange;
  readonly #claims = new BlockClaims();
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
    this.#metadata = metadata;
    this.#areas = regions.areas;
    this.#shape = shape;
    this.#range = { offset, length };
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
    const isAbsent = isAbsentAt(page, (entry % PAGE_ENTRIES) * ENTRY_SIZE);
    const end = Math.min(limit, this.pageEnd(number));
    let next = number + 1;
    for (; next < end; next += 1) {
      const at = (entryOfBlock(next, ratio) % PAGE_ENTRIES) * ENTRY_SIZE;
      if ((page.readUInt32LE(at) & STATE_BITS) > BLOCK_STATE.unmapped || isAbsentAt(page, at) !== isAbsent) break;
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
    if (this.#checked[number] === 0) this.#check(page.subarray(0, length), number * PAGE_ENTRIES);
    this.#checked[number] = 1;
    return page;
  }

  #check(page: Buffer, first: number): void {
    const { ratio, blockCount } = this.#shape;
    for (let at = 0; at < page.length; at += ENTRY_SIZE) {
      // Most entries hold nothing and claim no place.
      if ((page.readUInt32LE(at) & MEANINGFUL_BITS) <= BLOCK_STATE.unmapped) continue;
      const index = first + at / ENTRY_SIZE;
      const isBitmap = index % (ratio + 1) === ratio;
      if (isBitmap) this.#checkBitmap(entryAt(page, at), index);
      else if (blockOfEntry(index, ratio) < blockCount) this.#checkBlock(entryAt(page, at), index);
    }
  }

  #checkBlock(entry: Entry, index: number): void {
    const number = blockOfEntry(index, this.#shape.ratio);
    const { state, fileOffset, reserved } = entry;
    if (state === 4 || state === 5 || reserved !== 0)
      throw unsupported(
        `the entry of block ${number} has the state ${state} with the reserved bits ${reserved}, which is not known`,
        this.#placeOf(index),
      );
    if (state === BLOCK_STATE.partial && !this.#metadata.parentLocator)
      throw malformed(`block ${number} is said to be in part its parent's, but there is no parent`, this.#placeOf(index));
    if (state !== BLOCK_STATE.present && state !== BLOCK_STATE.partial) return;
    const { blockSize, virtualSize } = this.#metadata;
    const used = Math.min(blockSize, virtualSize - number * blockSize);
    this.#claim({ what: `block ${number}`, offset: fileOffset, length: blockSize, used, index });
  }

  /** Without a parent the entries of bitmaps mean nothing, and some programs leave bytes there. */
  #checkBitmap({ state, fileOffset }: Entry, index: number): void {
    if (!this.#metadata.parentLocator || state !== BLOCK_STATE.present) return;
    const what = `sector bitmap ${Math.floor(index / (this.#shape.ratio + 1))}`;
    this.#claim({ what, offset: fileOffset, length: BITMAP_BLOCK_SIZE, used: BITMAP_BLOCK_SIZE, index });
  }

  /** `used` bytes must lie in the file: the last block may be cut short behind the end of the disk. */
  #claim(o: ByteRange & { readonly what: string; readonly used: number; readonly index: number }): void {
    const at = this.#placeOf(o.index);
    if (o.offset + o.used > this.#file.size)
      throw malformed(`${o.what} is said to lie at byte ${o.offset}, but the file ends at ${this.#file.size}`, at);
    const area = this.#areas.find((candidate) => candidate.offset < endOf(o) && o.offset < endOf(candidate));
    if (area) throw malformed(`${o.what} is said to lie inside the ${area.what}`, at);
    const fault = this.#claims.claim(o.offset, o.length);
    if (fault === 'overlap') throw malformed(`${o.what} shares its bytes with another block`, at);
    if (fault === 'too-many') throw tooLarge('its blocks are strewn over more of the file than is remembered', at);
  }

  #placeOf(index: number): FilePlace {
    return { path: this.#file.path, offset: this.#range.offset + index * ENTRY_SIZE };
  }
}

const isAbsentAt = (page: Buffer, at: number): boolean => (page.readUInt32LE(at) & STATE_BITS) === BLOCK_STATE.absent;

interface Entry {
  readonly state: number;
  readonly reserved: number;
  readonly fileOffset: number;
}

/** MS-VHDX 2.5.1 "BAT Entry": three bits of state, seventeen reserved, forty-four for the MiB of the file. */
function entryAt(page: Buffer, at: number): Entry {
  const low = page.readUInt32LE(at);
  const mebibytes = page.readUInt32LE(at + 4) * 2 ** (32 - OFFSET_SHIFT) + (low >>> OFFSET_SHIFT);
  return { state: low & STATE_BITS, reserved: (low >>> 3) & 0x1_ffff, fileOffset: mebibytes * ALIGNMENT };
}

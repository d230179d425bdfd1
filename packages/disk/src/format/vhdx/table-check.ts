import { endOf, type ByteRange } from '@hypersdk/domain';
import { BlockClaims } from './block-claims.ts';
import type { Metadata } from './metadata.ts';
import type { FileArea } from './region-table.ts';
import { blockOfEntry, BLOCK_STATE, ENTRY_SIZE, entryAt, isIdleAt, type Entry, type TableShape } from './table-entry.ts';
import { BITMAP_BLOCK_SIZE } from './vhdx-limits.ts';
import { malformed, tooLarge, unsupported, type FilePlace } from './vhdx-refusal.ts';

interface CheckedTable {
  readonly file: { readonly path: string; readonly size: number };
  readonly metadata: Metadata;
  readonly areas: readonly FileArea[];
  readonly shape: TableShape;
  readonly offset: number;
}

/** Looks at pages of the block allocation table, each once: blocks must lie inside the file and apart from each other and from everything else in it. */
export class TableCheck {
  readonly #file: CheckedTable['file'];
  readonly #metadata: Metadata;
  readonly #areas: readonly FileArea[];
  readonly #shape: TableShape;
  readonly #offset: number;
  readonly #claims = new BlockClaims();

  constructor({ file, metadata, areas, shape, offset }: CheckedTable) {
    this.#file = file;
    this.#metadata = metadata;
    this.#areas = areas;
    this.#shape = shape;
    this.#offset = offset;
  }

  /** `first` is the number of the first entry on the page. */
  check(page: Buffer, first: number): void {
    const { ratio, blockCount } = this.#shape;
    for (let at = 0; at < page.length; at += ENTRY_SIZE) {
      if (isIdleAt(page, at)) continue;
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
    return { path: this.#file.path, offset: this.#offset + index * ENTRY_SIZE };
  }
}

import { HyperError, LEAF_SIZE } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { ImagePlan, Layout, LayoutMark } from '../image-writer.ts';
import { PlaceHistory } from '../place-history.ts';
import { BlockTableWriter, type BlockTablePlace } from './block-table-writer.ts';

/** Where blocks of one size lie in a file, one after the other in the order of the disk. */
export interface BlockStore {
  /** Bytes of disk in one block: whole units, and a part or all of a leaf. */
  readonly blockSize: number;
  readonly table: BlockTablePlace;
  /** Where the content of the first stored block begins. */
  readonly start: number;
  /** From the content of one stored block to that of the next. */
  readonly stride: number;
  /** No content lies further back than this. */
  readonly end: number;
  /** What the table says of the block whose content begins at `offset`, the `order`th stored one. */
  entryOf(offset: number, order: number): number;
  /** Writes what belongs to a block and is not its content. `sizes` are those of its units, 0 for zeros. */
  writeBeside?(offset: number, sizes: Uint32Array): void;
  /** Writes header and footer; `end` is where the last block ends. */
  finish(end: number, storedCount: number): void;
}

/** Where the file ended and how many blocks it held. */
type BlockMark = LayoutMark & { readonly stored: number };

/** An image whose blocks are stored when they are first written to. The header is written last: until then the file is no image. */
export class BlockLayout implements Layout {
  readonly #plan: ImagePlan;
  readonly #store: BlockStore;
  readonly #table: BlockTableWriter;
  readonly #history = new PlaceHistory<number>();
  #stored = 0;

  constructor(plan: ImagePlan, file: WritableFile, o: { readonly store: BlockStore; readonly resume: LayoutMark | undefined }) {
    this.#plan = plan;
    this.#store = o.store;
    this.#table = new BlockTableWriter(file, o.store.table);
    if (o.resume) this.#restore(parseMark(o.resume, file.path), file);
  }

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    this.#history.record(leaf, this.#stored);
    const { blockSize } = this.#store;
    const unitsPerBlock = blockSize / this.#plan.unitSize;
    for (let first = 0; first < sizes.length; first += unitsPerBlock) {
      const held = sizes.subarray(first, first + unitsPerBlock);
      if (held.every((size) => size === 0)) continue;
      const offset = this.#offsetOf(this.#stored);
      if (offset + blockSize > this.#store.end) throw tooMuch(this.#store.end);
      for (let unit = 0; unit < held.length; unit += 1) offsets[first + unit] = offset + unit * this.#plan.unitSize;
      this.#table.set(leaf * (LEAF_SIZE / blockSize) + first / unitsPerBlock, this.#store.entryOf(offset, this.#stored));
      this.#store.writeBeside?.(offset, held);
      this.#stored += 1;
    }
  }

  flush(leaves: number): LayoutMark {
    this.#table.flush(this.#blockAt(leaves));
    const stored = this.#history.stateAt(leaves, this.#stored);
    const mark: BlockMark = { end: this.#endOf(stored), leaves, stored };
    return mark;
  }

  finish(): void {
    this.#table.finish();
    this.#store.finish(this.#endOf(this.#stored), this.#stored);
  }

  #restore(mark: BlockMark, file: WritableFile): void {
    // A header that an earlier run may have written would make the file look whole.
    file.write(0, new Uint8Array(HEADER_LEAST));
    this.#table.restore(this.#blockAt(mark.leaves));
    this.#stored = mark.stored;
  }

  #blockAt(leaf: number): number {
    return Math.min(leaf * (LEAF_SIZE / this.#store.blockSize), this.#store.table.count);
  }

  #offsetOf(order: number): number {
    return this.#store.start + order * this.#store.stride;
  }

  #endOf(stored: number): number {
    return stored === 0 ? this.#store.start : this.#offsetOf(stored - 1) + this.#store.blockSize;
  }
}

/** Both formats are recognised by less. */
const HEADER_LEAST = 512;

function parseMark(mark: LayoutMark, path: string): BlockMark {
  const { stored } = mark;
  if (typeof stored === 'number' && Number.isSafeInteger(stored) && stored >= 0) return { end: mark.end, leaves: mark.leaves, stored };
  throw new HyperError('checkpoint/malformed', `The checkpoint of ${path} was not made for an image of blocks.`);
}

const tooMuch = (limit: number): HyperError =>
  new HyperError('image/too-large', `This disk holds more data than the ${limit} bytes that fit into one file of this format.`, {
    detail: { limit },
  });

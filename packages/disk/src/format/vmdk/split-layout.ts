import { LEAF_SIZE, leafCount } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import { WritableSlice } from '../../file/writable-slice.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import { PlaceHistory } from '../place-history.ts';
import { encodeSetDescriptor } from './descriptor-text.ts';
import { diskExtents, extentSpan } from './extent-files.ts';
import { SparseLayout } from './sparse-layout.ts';
import { SPLIT_EXTENT_SIZE } from './vmdk-limits.ts';
import type { VmdkPlan } from './vmdk-plan.ts';

const LEAVES_PER_EXTENT = SPLIT_EXTENT_SIZE / LEAF_SIZE;

/**
 * twoGbMaxExtentSparse: sparse extents one after the other, each in a file of its own, and a descriptor that names them. Leaves come in order, so only
 * one extent is in hand; it gets its tables and its length when the first leaf behind it has a place.
 */
export class SplitLayout implements Layout {
  readonly #plan: VmdkPlan;
  readonly #file: WritableFile;
  readonly #history = new PlaceHistory<number>();
  #index: number;
  #extent: SparseLayout;

  constructor(plan: VmdkPlan, file: WritableFile, resume?: LayoutMark) {
    this.#plan = plan;
    this.#file = file;
    // A mark at the very end of a file belongs to that file.
    this.#index = resume ? Math.ceil(resume.end / extentSpan(plan)) - 1 : 0;
    this.#extent = this.#open(this.#index, resume);
  }

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    this.#history.record(leaf, this.#end);
    this.#enter(Math.floor(leaf / LEAVES_PER_EXTENT));
    this.#extent.place(leaf % LEAVES_PER_EXTENT, sizes, offsets);
    const start = this.#index * extentSpan(this.#plan);
    sizes.forEach((size, unit) => {
      if (size > 0) offsets[unit] = start + (offsets[unit] ?? 0);
    });
  }

  flush(leaves: number): LayoutMark {
    this.#extent.flush(Number.POSITIVE_INFINITY);
    return { end: this.#history.stateAt(leaves, this.#end), leaves };
  }

  finish(): void {
    const count = diskExtents(this.#plan).length;
    this.#enter(count - 1);
    this.#extent.finish();
    this.#file.write(count * extentSpan(this.#plan), encodeSetDescriptor(this.#plan, this.#file.names ?? []));
  }

  get #end(): number {
    return this.#index * extentSpan(this.#plan) + this.#extent.end;
  }

  /** Finishes the extents before this one, those without data too. */
  #enter(index: number): void {
    while (this.#index < index) {
      this.#extent.finish();
      this.#index += 1;
      this.#extent = this.#open(this.#index);
    }
  }

  #open(index: number, resume?: LayoutMark): SparseLayout {
    const { offset, length } = diskExtents(this.#plan)[index] ?? { offset: 0, length: 0 };
    const start = index * extentSpan(this.#plan);
    const slice = new WritableSlice(this.#file, start);
    const plan = { ...this.#plan, virtualSize: length };
    if (!resume) return new SparseLayout(plan, slice);
    const leaves = Math.min(leafCount(length), resume.leaves - offset / LEAF_SIZE);
    return new SparseLayout(plan, slice, { end: resume.end - start, leaves });
  }
}

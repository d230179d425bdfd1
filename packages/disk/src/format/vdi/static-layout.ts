import { LEAF_SIZE } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import { BlockTableWriter } from '../blocks/block-table-writer.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import { endOfStatic, finishVdi, placesOf, type VdiPlaces } from './vdi-places.ts';
import type { VdiPlan } from './vdi-plan.ts';

/** Every block has its place from the start, in the order of the disk. */
export class StaticLayout implements Layout {
  readonly #plan: VdiPlan;
  readonly #file: WritableFile;
  readonly #places: VdiPlaces;

  constructor(plan: VdiPlan, file: WritableFile, resume: LayoutMark | undefined) {
    this.#plan = plan;
    this.#file = file;
    this.#places = placesOf(plan);
    // The length is set first, so that a disk that does not fit the file system is found at once; and what an earlier run may have finished is no image.
    if (resume) file.write(0, new Uint8Array(this.#places.table.offset));
    else this.#reserve();
  }

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    const first = this.#places.content + leaf * LEAF_SIZE;
    for (let unit = 0; unit < sizes.length; unit += 1) offsets[unit] = first + unit * this.#plan.unitSize;
  }

  flush(leaves: number): LayoutMark {
    return { end: endOfStatic(this.#places), leaves };
  }

  finish(): void {
    const { blockCount, table } = this.#places;
    const writer = new BlockTableWriter(this.#file, table);
    for (let block = 0; block < blockCount; block += 1) writer.set(block, block);
    writer.finish();
    finishVdi(this.#plan, this.#file, { end: endOfStatic(this.#places), storedCount: blockCount });
  }

  #reserve(): void {
    const { preallocation } = this.#plan;
    const end = endOfStatic(this.#places);
    this.#file.truncate(end);
    if (preallocation === 'off') return;
    this.#file.allocate({ offset: 0, length: end }, preallocation === 'full' ? 'zero' : 'reserve');
  }
}

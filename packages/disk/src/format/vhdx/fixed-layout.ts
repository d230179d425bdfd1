import { LEAF_SIZE } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import { TableWriter } from './table-writer.ts';
import { placesOf, WRITTEN_UNIT_SIZE, type VhdxPlaces, type VhdxPlan } from './vhdx-plan.ts';
import { unmarkImage, writeStructures } from './write-structures.ts';

/** A disk of fixed size: every block has its place from the start, in disk order. */
export class FixedLayout implements Layout {
  readonly #plan: VhdxPlan;
  readonly #file: WritableFile;
  readonly #places: VhdxPlaces;
  readonly #fileSize: number;

  constructor(plan: VhdxPlan, file: WritableFile, resume?: LayoutMark) {
    this.#plan = plan;
    this.#file = file;
    this.#places = placesOf(plan);
    const blocks = { offset: this.#places.blocks, length: this.#places.shape.blockCount * plan.blockSize };
    this.#fileSize = blocks.offset + blocks.length;
    if (resume) {
      unmarkImage(file);
      return;
    }
    // The length is set first, so that a disk that does not fit the file system is found at once.
    file.truncate(this.#fileSize);
    if (plan.preallocation !== 'off') file.allocate(blocks, plan.preallocation === 'full' ? 'zero' : 'reserve');
  }

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    const start = this.#places.blocks + leaf * LEAF_SIZE;
    for (let unit = 0; unit < sizes.length; unit += 1) {
      if ((sizes[unit] ?? 0) > 0) offsets[unit] = start + unit * WRITTEN_UNIT_SIZE;
    }
  }

  flush(leaves: number): LayoutMark {
    return { end: this.#fileSize, leaves };
  }

  finish(): void {
    const table = new TableWriter(this.#file, this.#places);
    const { shape, blocks } = this.#places;
    for (let block = 0; block < shape.blockCount; block += 1) table.set(block, blocks + block * this.#plan.blockSize);
    table.flush();
    this.#file.truncate(this.#fileSize);
    writeStructures(this.#file, this.#plan, this.#fileSize);
  }
}

import { HyperError, LEAF_SIZE } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import { PlaceHistory } from '../place-history.ts';
import { TableWriter } from './table-writer.ts';
import { placesOf, WRITTEN_UNIT_SIZE, type VhdxPlaces, type VhdxPlan } from './vhdx-plan.ts';
import { unmarkImage, writeStructures } from './write-structures.ts';

/** How far the blocks have come. */
interface Progress {
  /** Where the last unit placed ends in the file. */
  readonly end: number;
  /** Blocks of the file. */
  readonly count: number;
  /** The block of the disk that the last of them is; -1 when there is none. */
  readonly block: number;
}

/**
 * A dynamic disk: header section, log, metadata, block table, then blocks in disk order. A block is allocated as a whole when its first unit comes,
 * and its units lie at their places inside, so that zeros between them are holes of the file.
 */
export class DynamicLayout implements Layout {
  readonly #plan: VhdxPlan;
  readonly #file: WritableFile;
  readonly #places: VhdxPlaces;
  readonly #table: TableWriter;
  readonly #history = new PlaceHistory<Progress>();
  #progress: Progress;

  constructor(plan: VhdxPlan, file: WritableFile, resume?: LayoutMark) {
    this.#plan = plan;
    this.#file = file;
    this.#places = placesOf(plan);
    this.#table = new TableWriter(file, this.#places);
    this.#progress = resume ? toProgress(resume) : { end: this.#places.blocks, count: 0, block: -1 };
    if (!resume) return;
    unmarkImage(file);
    this.#table.reload(this.#progress.block + 1);
  }

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    this.#history.record(leaf, this.#progress);
    let { end, count, block } = this.#progress;
    for (let unit = 0; unit < sizes.length; unit += 1) {
      const size = sizes[unit] ?? 0;
      if (size === 0) continue;
      const offset = leaf * LEAF_SIZE + unit * WRITTEN_UNIT_SIZE;
      const own = Math.floor(offset / this.#plan.blockSize);
      if (own !== block) {
        this.#table.set(own, this.#placeOf(count));
        block = own;
        count += 1;
      }
      const place = this.#placeOf(count - 1) + (offset % this.#plan.blockSize);
      offsets[unit] = place;
      end = place + size;
    }
    this.#progress = { end, count, block };
  }

  flush(leaves: number): LayoutMark {
    this.#table.flush();
    return { leaves, ...this.#history.stateAt(leaves, this.#progress) };
  }

  finish(): void {
    this.#table.flush();
    const end = this.#placeOf(this.#progress.count);
    this.#file.truncate(end);
    writeStructures(this.#file, this.#plan, end);
  }

  #placeOf(number: number): number {
    return this.#places.blocks + number * this.#plan.blockSize;
  }
}

function toProgress({ end, count, block }: LayoutMark): Progress {
  if (typeof count === 'number' && typeof block === 'number') return { end, count, block };
  throw new HyperError('checkpoint/malformed', 'The checkpoint was not made for a dynamic VHDX.');
}

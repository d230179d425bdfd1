import { leafRange } from '@hypersdk/domain';
import { leafDigest } from '../../digest/tree.ts';
import { isZero } from '../../stream/is-zero.ts';
import type { Slot } from '../slots.ts';
import type { ChosenUnits, LeafChoice } from './leaf-choice.ts';
import { readLeaf, type LeafReading } from './read-leaf.ts';

/** For an image that stands by itself: units of zeros are left out. */
export class FilledUnits implements LeafChoice {
  readonly #reading: LeafReading;
  readonly #unitSize: number;
  readonly #digests: boolean;

  constructor(reading: LeafReading, o: { readonly unitSize: number; readonly digests: boolean }) {
    this.#reading = reading;
    this.#unitSize = o.unitSize;
    this.#digests = o.digests;
  }

  async choose(leaf: number, slot: Slot): Promise<ChosenUnits> {
    const dataRead = await readLeaf(this.#reading, leaf, slot.leaf);
    const { length } = leafRange(leaf, this.#reading.source.virtualSize);
    const sizes = dataRead === 0 ? undefined : this.#unitSizes(slot.leaf, length);
    if (!sizes) return { dataRead };
    return { dataRead, sizes, ...(this.#digests ? { digest: leafDigest(slot.leaf.subarray(0, length)) } : {}) };
  }

  /** Undefined when all units are zeros. */
  #unitSizes(leaf: Uint8Array, length: number): Uint32Array<ArrayBuffer> | undefined {
    const unitSize = this.#unitSize;
    const count = Math.ceil(length / unitSize);
    leaf.fill(0, length, count * unitSize);
    const sizes = new Uint32Array(count);
    let stored = 0;
    for (let unit = 0; unit < count; unit += 1) {
      if (isZero(leaf.subarray(unit * unitSize, (unit + 1) * unitSize))) continue;
      sizes[unit] = unitSize;
      stored += unitSize;
    }
    return stored > 0 ? sizes : undefined;
  }

  [Symbol.dispose](): void {
    this.#reading.source[Symbol.dispose]();
  }
}

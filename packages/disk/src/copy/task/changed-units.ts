import { leafRange } from '@hypersdk/domain';
import type { ParentImage } from '@hypersdk/ports';
import { leafDigest, zeroLeafDigest } from '../../digest/tree.ts';
import { ZERO_UNIT } from '../../format/image-writer.ts';
import { isZero } from '../../stream/is-zero.ts';
import { ParentLeaves } from '../parent-leaves.ts';
import type { Slot } from '../slots.ts';
import type { ChosenUnits, LeafChoice } from './leaf-choice.ts';
import { readChanges, readLeaf, type LeafReading } from './read-leaf.ts';

/**
 * For an overlay: units that are as in the parent are left out, and zeros over something are said. What the parent holds is held against its digest on
 * the way, so that nothing is put on top of damage.
 */
export class ChangedUnits implements LeafChoice {
  readonly #reading: LeafReading;
  readonly #parent: ParentLeaves;
  readonly #differs: ParentImage['differs'];
  readonly #unitSize: number;

  constructor(reading: LeafReading, parent: ParentImage, o: { readonly unitSize: number }) {
    this.#reading = reading;
    this.#parent = ParentLeaves.open(parent);
    this.#differs = parent.differs;
    this.#unitSize = o.unitSize;
  }

  async choose(leaf: number, slot: Slot): Promise<ChosenUnits> {
    const { length } = leafRange(leaf, this.#reading.source.virtualSize);
    const content = slot.leaf.subarray(0, length);
    const before = slot.before.subarray(0, length);
    const isAll = this.#differs === 'everything';
    const dataRead = isAll ? await this.#readAll(leaf, content) : await this.#readMarked(leaf, { content, before });
    const digest = isZero(content) ? zeroLeafDigest(length) : leafDigest(content);
    if (digest.equals(this.#parent.digestOf(leaf))) return { dataRead };
    if (isAll) this.#parent.read(leaf, before);
    return { dataRead, sizes: this.#unitSizes(slot, length), digest };
  }

  async #readAll(leaf: number, content: Uint8Array): Promise<number> {
    const dataRead = await readLeaf(this.#reading, leaf, content);
    if (dataRead === 0) content.fill(0);
    return dataRead;
  }

  async #readMarked(leaf: number, { content, before }: { readonly content: Uint8Array; readonly before: Uint8Array }): Promise<number> {
    this.#parent.read(leaf, before);
    content.set(before);
    return readChanges(this.#reading, leaf, content);
  }

  #unitSizes({ leaf, before }: Slot, length: number): Uint32Array<ArrayBuffer> {
    const unitSize = this.#unitSize;
    const count = Math.ceil(length / unitSize);
    leaf.fill(0, length, count * unitSize);
    before.fill(0, length, count * unitSize);
    return Uint32Array.from({ length: count }, (_, unit) => {
      const now = leaf.subarray(unit * unitSize, (unit + 1) * unitSize);
      if (Buffer.compare(now, before.subarray(unit * unitSize, (unit + 1) * unitSize)) === 0) return 0;
      return isZero(now) ? ZERO_UNIT : unitSize;
    });
  }

  [Symbol.dispose](): void {
    this.#parent[Symbol.dispose]();
    this.#reading.source[Symbol.dispose]();
  }
}

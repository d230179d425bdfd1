import { LEAF_SIZE, leafRange } from '@hypersdk/domain';
import { leafDigest } from '../../digest/tree.ts';
import type { DiskSource } from '../../locator/disk-source.ts';
import { openLocator } from '../../locator/open-locator.ts';
import { isZero } from '../../stream/is-zero.ts';
import type { HashTaskSpec, LeafResult } from '../messages.ts';
import type { Slot } from '../slots.ts';
import type { Work } from '../work-ring.ts';
import { ChangedUnits } from './changed-units.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';
import { readLeaf } from './read-leaf.ts';

/** Reads leaves and answers their digests. */
export class HashTask implements LeafTask {
  readonly #source: DiskSource;
  readonly #door: MoverDoor;
  readonly #virtualSize: number;
  readonly #changes: ChangedUnits | undefined;

  private constructor(spec: HashTaskSpec, door: MoverDoor, source: DiskSource) {
    this.#source = source;
    this.#door = door;
    this.#virtualSize = spec.virtualSize;
    // Units matter to whoever stores them.
    this.#changes = spec.parent && new ChangedUnits({ source, ring: door.ring }, spec.parent, { unitSize: LEAF_SIZE });
  }

  static async open(spec: HashTaskSpec, door: MoverDoor): Promise<HashTask> {
    return new HashTask(spec, door, await openLocator(spec.source, door));
  }

  async run(work: Work, slot: Slot): Promise<LeafResult> {
    if (this.#changes) return this.#runChanged(this.#changes, work, slot);
    const dataRead = await readLeaf({ source: this.#source, ring: this.#door.ring }, work.leaf, slot.leaf);
    const { length } = leafRange(work.leaf, this.#virtualSize);
    const content = slot.leaf.subarray(0, length);
    // A disk that is shorter than it should be ends in zeros; what the buffer held before is not its content.
    content.fill(0, Math.max(0, Math.min(length, leafRange(work.leaf, this.#source.virtualSize).length)));
    if (dataRead === 0 || isZero(content)) return { leaf: work.leaf, dataRead, stored: 0 };
    return { leaf: work.leaf, digest: leafDigest(content), dataRead, stored: 0 };
  }

  async #runChanged(changes: ChangedUnits, { leaf }: Work, slot: Slot): Promise<LeafResult> {
    const { dataRead, digest } = await changes.choose(leaf, slot);
    return { leaf, dataRead, stored: 0, ...(digest ? { digest } : {}) };
  }

  [Symbol.dispose](): void {
    (this.#changes ?? this.#source)[Symbol.dispose]();
  }
}

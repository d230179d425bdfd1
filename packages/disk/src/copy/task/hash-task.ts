import { leafRange } from '@hypersdk/domain';
import { leafDigest } from '../../digest/tree.ts';
import type { DiskSource } from '../../locator/disk-source.ts';
import { openLocator } from '../../locator/open-locator.ts';
import { isZero } from '../../stream/is-zero.ts';
import type { HashTaskSpec, LeafResult } from '../messages.ts';
import type { Slot } from '../slots.ts';
import type { Work } from '../work-ring.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';
import { readLeaf } from './read-leaf.ts';

/** Reads leaves and answers their digests. */
export class HashTask implements LeafTask {
  readonly #source: DiskSource;
  readonly #door: MoverDoor;
  readonly #virtualSize: number;

  private constructor(spec: HashTaskSpec, door: MoverDoor, source: DiskSource) {
    this.#source = source;
    this.#door = door;
    this.#virtualSize = spec.virtualSize;
  }

  static async open(spec: HashTaskSpec, door: MoverDoor): Promise<HashTask> {
    return new HashTask(spec, door, await openLocator(spec.source, door));
  }

  async run(work: Work, slot: Slot): Promise<LeafResult> {
    const dataRead = await readLeaf({ source: this.#source, ring: this.#door.ring }, work.leaf, slot.leaf);
    const { length } = leafRange(work.leaf, this.#virtualSize);
    const content = slot.leaf.subarray(0, length);
    // A disk that is shorter than it should be ends in zeros; what the buffer held before is not its content.
    content.fill(0, Math.max(0, Math.min(length, leafRange(work.leaf, this.#source.virtualSize).length)));
    if (dataRead === 0 || isZero(content)) return { leaf: work.leaf, dataRead, stored: 0 };
    return { leaf: work.leaf, digest: leafDigest(content), dataRead, stored: 0 };
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
  }
}

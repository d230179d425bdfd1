import { leafRange } from '@hypersdk/domain';
import type { DiskSource } from '../../locator/disk-source.ts';
import { openLocator } from '../../locator/open-locator.ts';
import type { CompareTaskSpec, LeafResult } from '../messages.ts';
import type { Slot } from '../slots.ts';
import type { Work } from '../work-ring.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';
import { readLeaf } from './read-leaf.ts';

/** Reads the same leaf of two disks and answers where they first differ. A shorter disk counts as zeros behind its end. */
export class CompareTask implements LeafTask {
  readonly #a: DiskSource;
  readonly #b: DiskSource;
  readonly #door: MoverDoor;

  private constructor(door: MoverDoor, a: DiskSource, b: DiskSource) {
    this.#a = a;
    this.#b = b;
    this.#door = door;
  }

  static async open(spec: CompareTaskSpec, door: MoverDoor): Promise<CompareTask> {
    const a = await openLocator(spec.a, door);
    try {
      return new CompareTask(door, a, await openLocator(spec.b, door));
    } catch (error) {
      a[Symbol.dispose]();
      throw error;
    }
  }

  async run(work: Work, slot: Slot): Promise<LeafResult> {
    const { offset, length } = leafRange(work.leaf, Math.max(this.#a.virtualSize, this.#b.virtualSize));
    const a = slot.leaf.subarray(0, length);
    const b = slot.stored(length).subarray(0, length);
    const dataRead = (await this.#fill(this.#a, work, a)) + (await this.#fill(this.#b, work, b));
    const differsAt = firstDifference(a, b);
    return { leaf: work.leaf, dataRead, stored: 0, ...(differsAt === undefined ? {} : { differsAt: offset + differsAt }) };
  }

  async #fill(source: DiskSource, { leaf }: Work, into: Uint8Array): Promise<number> {
    const length = Math.max(0, leafRange(leaf, source.virtualSize).length);
    const dataRead = length === 0 ? 0 : await readLeaf({ source, ring: this.#door.ring }, leaf, into.subarray(0, length));
    into.fill(0, dataRead === 0 ? 0 : length);
    return dataRead;
  }

  [Symbol.dispose](): void {
    this.#a[Symbol.dispose]();
    this.#b[Symbol.dispose]();
  }
}

/** Halves the range until one byte is left; each step is one memcmp. */
function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (Buffer.compare(a, b) === 0) return undefined;
  let low = 0;
  let high = a.length;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (Buffer.compare(a.subarray(low, middle), b.subarray(low, middle)) === 0) low = middle;
    else high = middle;
  }
  return low;
}

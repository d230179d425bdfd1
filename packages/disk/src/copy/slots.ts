import { LEAF_SIZE } from '@hypersdk/domain';

/** Buffers for one leaf on its way through a mover. Allocated on first use and used again for every later leaf. */
export class Slot {
  #leaf: Uint8Array | undefined;
  #before: Uint8Array | undefined;
  #stored: Uint8Array | undefined;

  /** Disk content of the leaf. */
  get leaf(): Uint8Array {
    this.#leaf ??= Buffer.allocUnsafeSlow(LEAF_SIZE);
    return this.#leaf;
  }

  /** What an overlay's parent holds there. */
  get before(): Uint8Array {
    this.#before ??= Buffer.allocUnsafeSlow(LEAF_SIZE);
    return this.#before;
  }

  /** Room for the encoded leaf; grown once to the largest that any task needs. */
  stored(size: number): Uint8Array {
    if (!this.#stored || this.#stored.length < size) this.#stored = Buffer.allocUnsafeSlow(size);
    return this.#stored;
  }
}

/** All buffers of one mover. Whoever wants to work on a leaf waits for a slot first; so memory is bounded whatever the number of tasks. */
export class SlotPool {
  readonly #free: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];

  constructor(count: number) {
    this.#free = Array.from({ length: count }, () => new Slot());
  }

  async acquire(): Promise<Slot> {
    return this.#free.pop() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
  }
}

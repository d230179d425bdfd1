/** Leaf numbers that may wait for a mover. Enough that no mover ever waits for the planner, few enough to cost nothing. */
const SLOT_COUNT = 1024;
const CLAIMED = 0;
const PUBLISHED = 1;
const CLOSED = 2;
const STOPPED = 3;
const HEADER_LENGTH = 4;

export interface Work {
  /** Position in the order of publishing, from 0. */
  readonly sequence: number;
  readonly leaf: number;
}

/**
 * Leaf numbers on their way from one coordinator to many movers, in shared memory: movers claim the next one without asking anybody.
 * Sequence numbers fit 31 bits, which is 8 PiB of leaves.
 */
export class WorkRing {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer((HEADER_LENGTH + SLOT_COUNT) * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** For the coordinator: false when the ring is full for now. */
  publish(leaf: number): boolean {
    const published = Atomics.load(this.#cells, PUBLISHED);
    if (published - Atomics.load(this.#cells, CLAIMED) >= SLOT_COUNT) return false;
    Atomics.store(this.#cells, HEADER_LENGTH + (published % SLOT_COUNT), leaf);
    Atomics.store(this.#cells, PUBLISHED, published + 1);
    Atomics.notify(this.#cells, PUBLISHED);
    return true;
  }

  get published(): number {
    return Atomics.load(this.#cells, PUBLISHED);
  }

  /** No more leaves will come; what is published is still worked off. */
  close(): void {
    Atomics.store(this.#cells, CLOSED, 1);
    Atomics.notify(this.#cells, PUBLISHED);
  }

  /** Nothing more may be claimed, and work in hand is given up at its next step. */
  stop(): void {
    Atomics.store(this.#cells, STOPPED, 1);
    this.close();
  }

  get stopped(): boolean {
    return Atomics.load(this.#cells, STOPPED) === 1;
  }

  /** For movers: the next leaf, `'none yet'`, or undefined when there will be none. */
  claim(): Work | 'none yet' | undefined {
    for (;;) {
      if (this.stopped) return undefined;
      const closed = Atomics.load(this.#cells, CLOSED) === 1;
      const sequence = Atomics.load(this.#cells, CLAIMED);
      if (sequence === Atomics.load(this.#cells, PUBLISHED)) return closed ? undefined : 'none yet';
      // The leaf is read before the claim succeeds: afterwards the slot may be filled anew.
      const leaf = Atomics.load(this.#cells, HEADER_LENGTH + (sequence % SLOT_COUNT));
      if (Atomics.compareExchange(this.#cells, CLAIMED, sequence, sequence + 1) === sequence) return { sequence, leaf };
    }
  }

  /** Settles when something may have been published since `published` was read, or the ring was closed. */
  async changed(published: number): Promise<void> {
    if (Atomics.load(this.#cells, CLOSED) === 1) return;
    await Atomics.waitAsync(this.#cells, PUBLISHED, published).value;
  }
}

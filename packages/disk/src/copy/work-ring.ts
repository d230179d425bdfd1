/** Leaf numbers that may wait for a mover. Enough that no mover ever waits for the planner, few enough to cost nothing. */
const SLOT_COUNT = 1024;
const CLAIMED = 0;
const PUBLISHED = 1;
const CLOSED = 2;
const STOPPED = 3;
const LIMIT = 4;
const CHANGES = 5;
const HEADER_LENGTH = 6;
const SEQUENCE_MAX = 2 ** 31 - 1;

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

  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? WorkRing.#allocate();
    this.#cells = new Int32Array(this.buffer);
  }

  static #allocate(): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer((HEADER_LENGTH + SLOT_COUNT) * Int32Array.BYTES_PER_ELEMENT);
    new Int32Array(buffer)[LIMIT] = SEQUENCE_MAX;
    return buffer;
  }

  /** For the coordinator: false when the ring is full for now. */
  publish(leaf: number): boolean {
    const published = Atomics.load(this.#cells, PUBLISHED);
    if (published - Atomics.load(this.#cells, CLAIMED) >= SLOT_COUNT) return false;
    Atomics.store(this.#cells, HEADER_LENGTH + (published % SLOT_COUNT), leaf);
    Atomics.store(this.#cells, PUBLISHED, published + 1);
    this.#tell();
    return true;
  }

  get published(): number {
    return Atomics.load(this.#cells, PUBLISHED);
  }

  /** No more leaves will come; what is published is still worked off. */
  close(): void {
    Atomics.store(this.#cells, CLOSED, 1);
    this.#tell();
  }

  /** Only the first `count` leaves may be claimed for now; without a call, all may. */
  limit(count: number): void {
    Atomics.store(this.#cells, LIMIT, Math.min(count, SEQUENCE_MAX));
    this.#tell();
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
      if (sequence >= Atomics.load(this.#cells, LIMIT)) return 'none yet';
      // The leaf is read before the claim succeeds: afterwards the slot may be filled anew.
      const leaf = Atomics.load(this.#cells, HEADER_LENGTH + (sequence % SLOT_COUNT));
      if (Atomics.compareExchange(this.#cells, CLAIMED, sequence, sequence + 1) === sequence) return { sequence, leaf };
    }
  }

  /** Counts what may make a claim succeed. Read before a claim, it tells `changed` what the claim could not have seen. */
  get changes(): number {
    return Atomics.load(this.#cells, CHANGES);
  }

  /** Settles when something changed after `seen` was read. */
  async changed(seen: number): Promise<void> {
    await Atomics.waitAsync(this.#cells, CHANGES, seen).value;
  }

  #tell(): void {
    Atomics.add(this.#cells, CHANGES, 1);
    Atomics.notify(this.#cells, CHANGES);
  }
}

import { KIB } from '@hypersdk/domain';

/** Fetched at once. Tables are read in smaller pieces and data in larger ones; more for a table costs time on slow lines. */
export const BLOCK_SIZE = 512 * KIB;
/** Blocks of a file that are held: enough for the tables in use and what is read ahead. */
export const SLOT_COUNT = 32;

/** Memory between the thread that reads an image and the one that fetches its file. */
export interface SharedWindow {
  readonly states: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}

export type SlotState = (typeof SlotState)[keyof typeof SlotState];
export const SlotState = { pending: 0, filled: 1, failed: 2 } as const;

/** Behind the states of the slots: not zero once nobody fetches any more. */
const STOP = SLOT_COUNT;

export const createWindow = (): SharedWindow => ({
  states: new SharedArrayBuffer((SLOT_COUNT + 1) * Int32Array.BYTES_PER_ELEMENT),
  bytes: new SharedArrayBuffer(SLOT_COUNT * BLOCK_SIZE),
});

/** Slots of blocks, each of which is empty, being filled by the other thread, or full. */
export class FileWindow {
  readonly #states: Int32Array;
  readonly #bytes: Uint8Array;

  constructor({ states, bytes }: SharedWindow) {
    this.#states = new Int32Array(states);
    this.#bytes = new Uint8Array(bytes);
  }

  slot(slot: number): Uint8Array {
    return this.#bytes.subarray(slot * BLOCK_SIZE, (slot + 1) * BLOCK_SIZE);
  }

  begin(slot: number): void {
    Atomics.store(this.#states, slot, SlotState.pending);
  }

  end(slot: number, state: SlotState): void {
    Atomics.store(this.#states, slot, state);
    Atomics.notify(this.#states, slot);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#states, STOP) !== 0;
  }

  stop(): void {
    Atomics.store(this.#states, STOP, 1);
    for (let slot = 0; slot < SLOT_COUNT; slot += 1) Atomics.notify(this.#states, slot);
  }

  stateOf(slot: number): number {
    return Atomics.load(this.#states, slot);
  }

  /** Holds this thread until the slot is no longer being filled, or for so long. */
  wait(slot: number, timeoutMs: number): void {
    Atomics.wait(this.#states, slot, SlotState.pending, timeoutMs);
  }
}

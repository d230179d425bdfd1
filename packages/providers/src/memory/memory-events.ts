import { HyperError } from '@hypersdk/domain';
import type { Events, EventsRequest, VMEvents } from '@hypersdk/ports';
import { EventBuffer } from '../event-buffer.ts';
import type { MemoryInventory } from './memory-inventory.ts';

/** Tells of what is done to the VMs in this session. */
export class MemoryEvents implements Events, Disposable {
  readonly #inventory: MemoryInventory;
  readonly #buffers = new Set<EventBuffer>();

  constructor(inventory: MemoryInventory) {
    this.#inventory = inventory;
  }

  async open({ signal, heldMax = 1000 }: EventsRequest): Promise<VMEvents> {
    signal.throwIfAborted();
    if (!Number.isSafeInteger(heldMax) || heldMax < 1) throw new HyperError('usage/invalid', 'A consumer holds at least 1 event.');
    const heard = this.#inventory.hear((event) => buffer.push(event));
    const buffer = new EventBuffer({
      heldMax,
      release: () => {
        heard[Symbol.dispose]();
        this.#buffers.delete(buffer);
      },
    });
    this.#buffers.add(buffer);
    return buffer;
  }

  [Symbol.dispose](): void {
    for (const buffer of this.#buffers) buffer.end();
    this.#buffers.clear();
  }
}

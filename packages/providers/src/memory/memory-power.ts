import { HyperError, type PowerState, type VMId } from '@hypersdk/domain';
import type { Cancel, Power, ShutdownOptions } from '@hypersdk/ports';
import type { MemoryInventory } from './memory-inventory.ts';

/** Changes nothing but the state that is told of a VM. */
export class MemoryPower implements Power {
  readonly #inventory: MemoryInventory;
  readonly #deaf: ReadonlySet<string>;

  constructor(inventory: MemoryInventory, deaf: readonly string[]) {
    this.#inventory = inventory;
    this.#deaf = new Set(deaf);
  }

  start(id: VMId, o: Cancel): Promise<void> {
    return this.#bring(id, 'running', { ...o, from: ['stopped', 'running'] });
  }

  async shutdown(id: VMId, o: ShutdownOptions): Promise<void> {
    const { name, powerState } = await this.#inventory.get(id, o);
    if (this.#deaf.has(id) && powerState === 'running') throw new HyperError('vm/not-stopped', `The guest of ${name} did not shut down.`);
    return this.#bring(id, 'stopped', { ...o, from: ['running', 'stopped'] });
  }

  powerOff(id: VMId, o: Cancel): Promise<void> {
    return this.#bring(id, 'stopped', { ...o, from: ['running', 'suspended', 'stopped'] });
  }

  reboot(id: VMId, o: Cancel): Promise<void> {
    return this.#bring(id, 'running', { ...o, from: ['running'] });
  }

  reset(id: VMId, o: Cancel): Promise<void> {
    return this.#bring(id, 'running', { ...o, from: ['running'] });
  }

  suspend(id: VMId, o: Cancel): Promise<void> {
    return this.#bring(id, 'suspended', { ...o, from: ['running', 'suspended'] });
  }

  resume(id: VMId, o: Cancel): Promise<void> {
    return this.#bring(id, 'running', { ...o, from: ['suspended', 'running'] });
  }

  async #bring(id: VMId, to: PowerState, { from, ...o }: Cancel & { readonly from: readonly PowerState[] }): Promise<void> {
    const { name, powerState } = await this.#inventory.get(id, o);
    if (!from.includes(powerState)) throw new HyperError('vm/wrong-state', `${name} is ${powerState}.`);
    this.#inventory.setPowerState(id, to);
  }
}

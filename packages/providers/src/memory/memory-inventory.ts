import { HyperError, type PowerState, type VMId, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Inventory } from '@hypersdk/ports';
import type { MemoryVM } from './memory-config.ts';

/** The VMs as they were given, apart from the states that they were brought into since. */
export class MemoryInventory implements Inventory {
  readonly #vms: Map<string, MemoryVM>;

  constructor(vms: readonly MemoryVM[]) {
    this.#vms = new Map(vms.map((vm) => [vm.id, vm]));
  }

  async *list({ signal }: Cancel): AsyncGenerator<VMInfo> {
    for (const vm of this.#vms.values()) {
      signal.throwIfAborted();
      yield vm;
    }
    signal.throwIfAborted();
  }

  async get(id: VMId, { signal }: Cancel): Promise<MemoryVM> {
    signal.throwIfAborted();
    const vm = this.#vms.get(id);
    if (!vm) throw new HyperError('vm/not-found', `There is no VM ${id}.`);
    return vm;
  }

  add(vm: MemoryVM): void {
    this.#vms.set(vm.id, vm);
  }

  setPowerState(id: VMId, powerState: PowerState): void {
    const vm = this.#vms.get(id);
    if (vm) this.#vms.set(id, { ...vm, powerState });
  }
}

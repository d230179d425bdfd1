import { HyperError, type PowerState, type VMEvent, type VMId, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Inventory } from '@hypersdk/ports';
import type { MemoryVM } from './memory-config.ts';

/** The VMs as they were given, apart from the states that they were brought into since. */
export class MemoryInventory implements Inventory {
  readonly #vms: Map<string, MemoryVM>;
  readonly #listeners = new Set<(event: VMEvent) => void>();

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
    this.#tell({ vm: vm.id, name: vm.name, kind: 'created' });
  }

  setPowerState(id: VMId, powerState: PowerState): void {
    const vm = this.#vms.get(id);
    if (!vm || vm.powerState === powerState) return;
    this.#vms.set(id, { ...vm, powerState });
    this.#tell(eventOf(vm, powerState));
  }

  /** Calls `told` with whatever happens, until disposed of. */
  hear(told: (event: VMEvent) => void): Disposable {
    this.#listeners.add(told);
    return { [Symbol.dispose]: () => this.#listeners.delete(told) };
  }

  #tell(event: VMEvent): void {
    for (const told of this.#listeners) told(event);
  }
}

function eventOf({ id, name, powerState: before }: MemoryVM, now: PowerState): VMEvent {
  const of = { vm: id, name };
  if (now === 'running') return { ...of, kind: before === 'suspended' ? 'resumed' : 'started' };
  if (now === 'suspended') return { ...of, kind: 'suspended', reason: 'asked' };
  return now === 'stopped' ? { ...of, kind: 'stopped', reason: 'powered-off' } : { ...of, kind: 'changed' };
}

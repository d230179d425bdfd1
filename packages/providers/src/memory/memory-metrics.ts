import type { Counter, VMMetrics } from '@hypersdk/domain';
import type { Metrics, MetricsRequest } from '@hypersdk/ports';
import type { MemoryVM } from './memory-config.ts';
import type { MemoryInventory } from './memory-inventory.ts';

const SECTOR = 512n;
const TURN_NS = 1_000_000n;

/** Guests that read a sector of each disk, and do a millisecond of work, whenever somebody looks. */
export class MemoryMetrics implements Metrics {
  readonly #inventory: MemoryInventory;
  #looks: Counter = 0n;
  #elapsedMs = 0;

  constructor(inventory: MemoryInventory) {
    this.#inventory = inventory;
  }

  async *sample({ vms, signal }: MetricsRequest): AsyncGenerator<VMMetrics> {
    this.#looks += 1n;
    this.#elapsedMs += 1;
    for await (const { id } of this.#inventory.list({ signal })) {
      if (!vms || vms.includes(id)) yield this.#figuresOf(await this.#inventory.get(id, { signal }));
    }
    signal.throwIfAborted();
  }

  #figuresOf({ id, powerState, memory, cpus = 1, disks }: MemoryVM): VMMetrics {
    const isAtWork = powerState === 'running';
    const timeNsTotal = this.#looks * TURN_NS;
    const read = { bytesTotal: this.#looks * SECTOR, requestsTotal: this.#looks };
    return {
      vm: id,
      takenAtMs: this.#elapsedMs,
      powerState,
      ...(isAtWork ? { cpu: { timeNsTotal } } : {}),
      vcpus: isAtWork ? Array.from({ length: cpus }, (_, index) => ({ index, state: 'running', timeNsTotal })) : [],
      ...(memory === undefined ? {} : { memory: { maximumSize: memory } }),
      disks: disks.map((disk) => ({ disk: disk.id, virtualSize: disk.virtualSize, ...(isAtWork ? { read } : {}) })),
      nics: [],
    };
  }
}

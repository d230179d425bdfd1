import type { ProviderModule } from '@hypersdk/ports';
import { type MemoryConfig, parseMemoryConfig } from './memory-config.ts';
import { MemoryDiskExport } from './memory-disk-export.ts';
import { MemoryInventory } from './memory-inventory.ts';

/** VMs that are held in memory as they were configured: the reference for every provider. */
export const memoryProvider = {
  kind: 'memory',
  parse: parseMemoryConfig,
  async open({ vms }: MemoryConfig, { signal }) {
    signal.throwIfAborted();
    const inventory = new MemoryInventory(vms);
    return {
      facets: { inventory, diskExport: new MemoryDiskExport(inventory) },
      [Symbol.asyncDispose]: async () => {},
    };
  },
} as const satisfies ProviderModule<MemoryConfig>;

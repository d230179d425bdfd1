import type { ProviderModule } from '@hypersdk/ports';
import { type MemoryConfig, parseMemoryConfig } from './memory-config.ts';
import { MemoryClone } from './memory-clone.ts';
import { MemoryChangedBlocks } from './memory-changed-blocks.ts';
import { MemoryDiskExport } from './memory-disk-export.ts';
import { MemoryInventory } from './memory-inventory.ts';
import { MemoryPower } from './memory-power.ts';
import { MemoryRestore } from './memory-restore.ts';
import { MemorySnapshots } from './memory-snapshots.ts';

/** VMs that are held in memory as they were configured: the reference for every provider. */
export const memoryProvider = {
  kind: 'memory',
  parse: parseMemoryConfig,
  async open({ vms, deaf, connection, folder }: MemoryConfig, { signal }) {
    signal.throwIfAborted();
    const inventory = new MemoryInventory(vms);
    return {
      facets: {
        inventory,
        diskExport: new MemoryDiskExport(inventory),
        changedBlocks: new MemoryChangedBlocks(),
        power: new MemoryPower(inventory, deaf),
        snapshots: new MemorySnapshots(inventory),
        ...(folder === undefined ? {} : { restore: new MemoryRestore(inventory, { connection, folder }), clone: new MemoryClone(inventory, folder) }),
      },
      [Symbol.asyncDispose]: async () => {},
    };
  },
} as const satisfies ProviderModule<MemoryConfig>;

import type { ProviderModule } from '@hypersdk/ports';
import { type MemoryConfig, parseMemoryConfig } from './memory-config.ts';
import { MemoryClone } from './memory-clone.ts';
import { MemoryConsole } from './memory-console.ts';
import { MemoryMetrics } from './memory-metrics.ts';
import { MemoryChangedBlocks } from './memory-changed-blocks.ts';
import { MemoryDiskExport } from './memory-disk-export.ts';
import { MemoryEvents } from './memory-events.ts';
import { MemoryInventory } from './memory-inventory.ts';
import { MemoryIsoImages } from './memory-iso-images.ts';
import { MemoryNetworks } from './memory-networks.ts';
import { MemoryPower } from './memory-power.ts';
import { MemoryRestore } from './memory-restore.ts';
import { MemorySnapshots } from './memory-snapshots.ts';
import { MemoryStoragePools } from './memory-storage-pools.ts';
import { MemoryVolumes } from './memory-volumes.ts';

/** The one pool that there is. */
const POOL = 'default';

/** VMs that are held in memory as they were configured: the reference for every provider. */
export const memoryProvider = {
  kind: 'memory',
  parse: parseMemoryConfig,
  async open({ vms, deaf, bare, unguarded, connection, folder }: MemoryConfig, { signal }) {
    signal.throwIfAborted();
    const inventory = new MemoryInventory(vms);
    const events = new MemoryEvents(inventory);
    const console = new MemoryConsole(inventory, { bare, unguarded });
    const storagePools = new MemoryStoragePools([POOL]);
    const isoImages = new MemoryIsoImages(inventory, storagePools);
    return {
      facets: {
        inventory,
        events,
        networks: new MemoryNetworks(),
        storagePools,
        volumes: new MemoryVolumes(storagePools, (path) => isoImages.isUsed(path)),
        isoImages,
        diskExport: new MemoryDiskExport(inventory),
        changedBlocks: new MemoryChangedBlocks(),
        power: new MemoryPower(inventory, deaf),
        snapshots: new MemorySnapshots(inventory),
        console,
        metrics: new MemoryMetrics(inventory),
        ...(folder === undefined ? {} : { restore: new MemoryRestore(inventory, { connection, folder }), clone: new MemoryClone(inventory, folder) }),
      },
      [Symbol.asyncDispose]: async () => {
        events[Symbol.dispose]();
        console[Symbol.dispose]();
      },
    };
  },
} as const satisfies ProviderModule<MemoryConfig>;

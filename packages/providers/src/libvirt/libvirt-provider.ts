import type { ProviderModule } from '@hypersdk/ports';
import { DomainWatch } from './domain-watch.ts';
import { type LibvirtConfig, parseLibvirtConfig } from './libvirt-config.ts';
import { openConnection } from './libvirt-connection.ts';
import { LibvirtInventory } from './libvirt-inventory.ts';
import { LibvirtPower } from './libvirt-power.ts';
import { LibvirtSnapshots } from './libvirt-snapshots.ts';

/** libvirt 9.0 learned to delete external snapshots. */
const MERGES_SINCE = 9_000_000;

/** The VMs of QEMU and KVM that a libvirt daemon looks after. */
export const libvirtProvider = {
  kind: 'libvirt',
  parse: parseLibvirtConfig,
  async open(config: LibvirtConfig, o) {
    const connection = await openConnection(config, o);
    const { client, hostname, version } = connection;
    const watch = new DomainWatch(client);
    const inventory = new LibvirtInventory(client, watch, { connection: config.uri, hostname });
    const power = new LibvirtPower(client, watch);
    const snapshots = new LibvirtSnapshots(client, watch, { mergesItself: version >= MERGES_SINCE });
    return {
      // Whoever may only look has nothing to change with.
      facets: config.readOnly ? { inventory } : { inventory, power, snapshots },
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  },
} as const satisfies ProviderModule<LibvirtConfig>;

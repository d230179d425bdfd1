import type { ProviderModule } from '@hypersdk/ports';
import { DomainWatch } from './domain-watch.ts';
import { type LibvirtConfig, parseLibvirtConfig } from './libvirt-config.ts';
import { openConnection } from './libvirt-connection.ts';
import { LibvirtInventory } from './libvirt-inventory.ts';

/** The VMs of QEMU and KVM that a libvirt daemon looks after. */
export const libvirtProvider = {
  kind: 'libvirt',
  parse: parseLibvirtConfig,
  async open(config: LibvirtConfig, o) {
    const connection = await openConnection(config, o);
    const watch = new DomainWatch(connection.client);
    const inventory = new LibvirtInventory(connection, watch, { connection: config.uri, hostname: connection.hostname });
    return {
      facets: { inventory },
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  },
} as const satisfies ProviderModule<LibvirtConfig>;

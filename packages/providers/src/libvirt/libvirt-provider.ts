import type { Facets, Inventory, ProviderModule, SourceWork } from '@hypersdk/ports';
import { LibvirtDiskExport } from './backup/libvirt-disk-export.ts';
import type { BackupServer } from './backup/backup-lease.ts';
import { LibvirtClone } from './clone/libvirt-clone.ts';
import { LibvirtResidue } from './backup/libvirt-residue.ts';
import { DomainWatch } from './domain-watch.ts';
import { type LibvirtConfig, parseLibvirtConfig } from './libvirt-config.ts';
import { LastingCaller } from './lasting-caller.ts';
import { openConnection } from './libvirt-connection.ts';
import { LibvirtInventory } from './libvirt-inventory.ts';
import { LibvirtPower } from './libvirt-power.ts';
import { LibvirtSnapshots } from './libvirt-snapshots.ts';
import { LibvirtRestore } from './restore/libvirt-restore.ts';
import { RestoreResidue } from './restore/restore-residue.ts';

/** libvirt 9.0 learned to delete external snapshots. */
const MERGES_SINCE = 9_000_000;

/** The VMs of QEMU and KVM that a libvirt daemon looks after. */
export const libvirtProvider = {
  kind: 'libvirt',
  parse: parseLibvirtConfig,
  async open(config: LibvirtConfig, o) {
    const connection = await openConnection(config, o);
    const { client, hostname, version } = connection;
    const lasting = new LastingCaller(connection, { reopen: (again) => openConnection(config, again) });
    const watch = new DomainWatch(client);
    const inventory = new LibvirtInventory(client, watch, { connection: config.uri, hostname });
    const power = new LibvirtPower(client, watch);
    const snapshots = new LibvirtSnapshots(client, watch, { mergesItself: version >= MERGES_SINCE });
    return {
      // Whoever may only look has nothing to change with.
      facets: config.readOnly
        ? { inventory }
        : {
            inventory,
            power,
            snapshots,
            ...exportFacets({ caller: lasting, transport: connection.address.transport }, { config, inventory, work: o.work }),
          },
      [Symbol.asyncDispose]: () => lasting[Symbol.asyncDispose](),
    };
  },
} as const satisfies ProviderModule<LibvirtConfig>;

/** Reading the disks of a domain makes things at its server. */
function exportFacets(
  server: BackupServer,
  { config, inventory, work }: { readonly config: LibvirtConfig; readonly inventory: Inventory; readonly work: SourceWork | undefined },
): Pick<Facets, 'diskExport' | 'changedBlocks' | 'residue' | 'restore' | 'clone'> {
  if (!work) return {};
  const backups = new LibvirtDiskExport({ ...server, inventory, work, name: config.uri, scratchFolder: config.scratchFolder });
  const restore = new LibvirtRestore({
    caller: server.caller,
    inventory,
    work,
    name: config.uri,
    openConnection: (o) => openConnection(config, o),
  });
  const clone = new LibvirtClone({ caller: server.caller, inventory, work, name: config.uri });
  const residue = new RestoreResidue(server.caller, config.uri, new LibvirtResidue(server, config.uri));
  return { diskExport: backups, changedBlocks: backups, residue, restore, clone };
}

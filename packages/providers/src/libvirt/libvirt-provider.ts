import type { Cancel, Facets, Inventory, ProviderModule, ProviderSession, SourceWork } from '@hypersdk/ports';
import { LibvirtDiskExport } from './backup/libvirt-disk-export.ts';
import type { BackupServer } from './backup/backup-lease.ts';
import type { Access } from './backup/access.ts';
import { LibvirtClone } from './clone/libvirt-clone.ts';
import { LibvirtResidue } from './backup/libvirt-residue.ts';
import { LibvirtConsole } from './console/libvirt-console.ts';
import { DomainWatch } from './domain-watch.ts';
import { LibvirtEvents } from './events/libvirt-events.ts';
import { type LibvirtConfig, parseLibvirtConfig } from './libvirt-config.ts';
import { LastingCaller } from './lasting-caller.ts';
import { type LibvirtConnection, openConnection } from './libvirt-connection.ts';
import { LibvirtInventory } from './libvirt-inventory.ts';
import { LibvirtPower } from './libvirt-power.ts';
import { LibvirtSnapshots } from './libvirt-snapshots.ts';
import { LibvirtMetrics } from './metrics/libvirt-metrics.ts';
import { LibvirtNetworks } from './networks/libvirt-networks.ts';
import { LibvirtRestore } from './restore/libvirt-restore.ts';
import { RestoreResidue } from './restore/restore-residue.ts';
import { IsoResidue } from './storage/iso-residue.ts';
import { LibvirtIsoImages } from './storage/libvirt-iso-images.ts';
import { LibvirtStoragePools } from './storage/libvirt-storage-pools.ts';
import { LibvirtVolumes } from './storage/libvirt-volumes.ts';

/** libvirt 9.0 learned to delete external snapshots. */
const MERGES_SINCE = 9_000_000;

/** The VMs of QEMU and KVM that a libvirt daemon looks after. */
export const libvirtProvider = {
  kind: 'libvirt',
  parse: parseLibvirtConfig,
  async open(config: LibvirtConfig, o): Promise<ProviderSession> {
    const connection = await openConnection(config, o);
    const { client, hostname, version } = connection;
    const watch = new DomainWatch(client);
    const lasting = new LastingCaller(connection, {
      reopen: (again) => openConnection(config, again),
      reopened: (again, within) => watch.follow(again.client, within),
    });
    const inventory = new LibvirtInventory(lasting, watch, { connection: config.uri, hostname });
    const events = new LibvirtEvents(lasting, watch);
    const power = new LibvirtPower(lasting, watch);
    const snapshots = new LibvirtSnapshots(lasting, watch, { mergesItself: version >= MERGES_SINCE });
    const metrics = new LibvirtMetrics(lasting);
    const { transport } = connection.address;
    const console = new LibvirtConsole({
      caller: lasting,
      machine: hostname,
      reachedAs: transport.kind === 'unix' ? 'localhost' : transport.host,
      openConnection: (again) => openConnection(config, again),
    });
    return {
      // Whoever may only look has nothing to change with.
      facets: config.readOnly
        ? { inventory, events, metrics }
        : {
            inventory,
            events,
            networks: new LibvirtNetworks(lasting, inventory),
            storagePools: new LibvirtStoragePools(lasting),
            volumes: new LibvirtVolumes({ caller: lasting, openConnection: (again) => openConnection(config, again) }),
            power,
            snapshots,
            console,
            metrics,
            ...exportFacets({ caller: lasting, ...accessOf(connection, config) }, { config, inventory, work: o.work }),
          },
      [Symbol.asyncDispose]: async () => {
        events[Symbol.dispose]();
        await console[Symbol.asyncDispose]();
        await lasting[Symbol.asyncDispose]();
      },
    };
  },
} as const satisfies ProviderModule<LibvirtConfig>;

const accessOf = ({ address, remoteAddress }: LibvirtConnection, { allowsPlaintext }: LibvirtConfig): Access => ({
  transport: address.transport,
  allowsPlaintext,
  ...(remoteAddress === undefined ? {} : { remoteAddress }),
});

/** Reading the disks of a domain makes things at its server. */
function exportFacets(
  server: BackupServer & Access,
  { config, inventory, work }: { readonly config: LibvirtConfig; readonly inventory: Inventory; readonly work: SourceWork | undefined },
): Pick<Facets, 'diskExport' | 'changedBlocks' | 'residue' | 'restore' | 'clone' | 'isoImages'> {
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
  const place = { caller: server.caller, name: config.uri, openConnection: (o: Cancel) => openConnection(config, o) };
  const residue = new IsoResidue(place, new RestoreResidue(server.caller, config.uri, new LibvirtResidue(server, config.uri)));
  return { diskExport: backups, changedBlocks: backups, residue, restore, clone, isoImages: new LibvirtIsoImages({ ...place, work }) };
}

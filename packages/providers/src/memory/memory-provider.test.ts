import { HyperError, toDiskId, toVMId } from '@hypersdk/domain';
import type { ExportLease, Inventory, ProviderSession } from '@hypersdk/ports';
import { type ArrangeProvider, calm, checksOfProvider, type Mutant, mutate, proveChecks } from '@hypersdk/testkit';
import { arrange, facetMutant, mutant } from './build-memory-platform.ts';
import { changedBlocksMutants } from './build-changed-blocks-mutants.ts';
import { cloneMutants } from './build-clone-mutants.ts';
import { consoleMutants } from './build-console-mutants.ts';
import { isoImagesMutants } from './build-iso-images-mutants.ts';
import { networksMutants } from './build-networks-mutants.ts';
import { volumesMutants } from './build-volumes-mutants.ts';
import { eventsMutants } from './build-events-mutants.ts';
import { metricsMutants } from './build-metrics-mutants.ts';
import { powerMutants } from './build-power-mutants.ts';
import { restoreMutants } from './build-restore-mutants.ts';
import { snapshotMutants } from './build-snapshot-mutants.ts';

const inventoryMutant = facetMutant('inventory');
const exportMutant = facetMutant('diskExport');

const leaseMutant = (flaw: string, breaks: string, change: (lease: ExportLease) => Partial<ExportLease>): Mutant<ArrangeProvider> =>
  exportMutant(flaw, breaks, (diskExport) => ({
    open: async (id, o) => {
      const lease = await diskExport.open(id, o);
      return mutate<ExportLease>(lease, change(lease));
    },
  }));

let count = 0;

proveChecks<ArrangeProvider>({
  port: 'provider',
  checksOf: (subject) =>
    checksOfProvider(subject, [
      'inventory',
      'events',
      'networks',
      'storagePools',
      'volumes',
      'isoImages',
      'diskExport',
      'changedBlocks',
      'power',
      'snapshots',
      'restore',
      'clone',
      'console',
      'metrics',
    ]),
  reference: arrange(),
  mutants: [
    mutant('lost a facet', 'the facets are exactly those that were named', (session) =>
      mutate<ProviderSession>(session, { facets: { inventory: session.facets.inventory } }),
    ),
    mutant('cannot be disposed twice', 'disposing a session again is no error', (session) => {
      let disposed = false;
      return mutate<ProviderSession>(session, {
        [Symbol.asyncDispose]: async () => {
          if (disposed) throw new Error('not connected');
          disposed = true;
        },
      });
    }),
    inventoryMutant('lists a VM twice', 'the list has every VM once', (inventory) => ({
      async *list(o) {
        yield* inventory.list(o);
        yield* inventory.list(o);
      },
    })),
    inventoryMutant('gives memory in MiB', 'every VM is described in the units of the domain', (inventory) => ({
      async *list(o) {
        for await (const vm of inventory.list(o)) yield { ...vm, memory: 2048 };
      },
    })),
    inventoryMutant('gives one id to several disks', 'every VM is described in the units of the domain', (inventory) => ({
      async *list(o) {
        for await (const vm of inventory.list(o)) yield { ...vm, disks: vm.disks.map((disk) => ({ ...disk, id: toDiskId('disk') })) };
      },
    })),
    mutant('counts its ids anew in each session', 'ids are the same in the next session', (session) => {
      count += 1;
      const mark = count;
      const { inventory } = session.facets;
      const counted = mutate<Inventory>(inventory, {
        async *list(o) {
          for await (const vm of inventory.list(o)) yield { ...vm, id: toVMId(`${vm.id}-${mark}`) };
        },
      });
      return mutate<ProviderSession>(session, { facets: { inventory: counted } });
    }),
    inventoryMutant('gets less than it lists', 'a VM is got as it was listed', (inventory) => ({
      get: async (id, o) => ({ ...(await inventory.get(id, o)), disks: [] }),
    })),
    inventoryMutant('invents unknown VMs', 'an unknown VM is not found', (inventory) => ({
      get: async (id, o) => inventory.get(id, o).catch(async () => ({ ...(await inventory.get(toVMId('db-01'), o)), id })),
    })),
    inventoryMutant('fails with any code', 'an unknown VM is not found', (inventory) => ({
      get: (id, o) =>
        inventory.get(id, o).catch(() => {
          throw new HyperError('source/not-found', `There is no ${id}.`);
        }),
    })),
    inventoryMutant('goes on listing after it was left', 'a list that is left early is closed and can be begun again', (inventory) => ({
      list: (o) => {
        const all = inventory.list(o)[Symbol.asyncIterator]();
        return { [Symbol.asyncIterator]: () => ({ next: () => all.next(), return: async () => ({ done: true, value: undefined }) }) };
      },
    })),
    inventoryMutant('gets although it was cancelled', 'a cancelled list or get rejects with the reason', (inventory) => ({
      get: (id) => inventory.get(id, calm),
    })),
    inventoryMutant('looks at the signal only once', 'a list that is cancelled on the way rejects with the reason', (inventory) => ({
      async *list({ signal }) {
        signal.throwIfAborted();
        yield* inventory.list(calm);
      },
    })),
    leaseMutant('leaves a disk out', 'a lease holds every disk of the VM', (lease) => ({ disks: lease.disks.slice(1) })),
    leaseMutant('holds disks in another order', 'a lease holds every disk of the VM', (lease) => ({ disks: lease.disks.toReversed() })),
    exportMutant('holds every disk whatever was named', 'a lease on named disks holds just those', (diskExport) => ({
      open: (id, { signal }) => diskExport.open(id, { signal }),
    })),
    leaseMutant('gives one locator to all disks', 'locators are plain data that another thread can use', (lease) => ({
      disks: lease.disks.map((disk) => ({ ...disk, locator: lease.disks[0]?.locator ?? disk.locator })),
    })),
    leaseMutant('gives out locators with functions', 'locators are plain data that another thread can use', (lease) => ({
      disks: lease.disks.map((disk) => ({ ...disk, locator: { ...disk.locator, open: () => 3 } })),
    })),
    leaseMutant('cannot be let go twice', 'letting go of a lease again is no error, and the VM can be held anew', () => {
      let released = false;
      return {
        [Symbol.asyncDispose]: async () => {
          if (released) throw new Error('no such lease');
          released = true;
        },
      };
    }),
    leaseMutant('changes its marks by itself', 'marks are equal while nothing changes, and the check passes', (lease) => ({
      disks: lease.disks.map((disk) => ({ ...disk, mark: `${disk.mark}-${(count += 1)}` })),
    })),
    leaseMutant('cries wolf', 'marks are equal while nothing changes, and the check passes', () => ({
      check: () => Promise.reject(new HyperError('source/changed', 'The disk was written.')),
    })),
    leaseMutant('never looks again', 'a write to a disk is noticed, in the check and in the marks', () => ({ check: async () => {} })),
    leaseMutant('marks the file name', 'a write to a disk is noticed, in the check and in the marks', (lease) => ({
      disks: lease.disks.map((disk) => ({ ...disk, mark: disk.disk.location })),
    })),
    exportMutant('holds unknown VMs', 'an unknown VM cannot be held', (diskExport) => ({
      open: (id, o) => diskExport.open(id, o).catch(() => diskExport.open(toVMId('db-01'), { signal: o.signal })),
    })),
    exportMutant('leaves unknown disks out', 'an unknown disk is refused, not left out', (diskExport) => ({
      open: (id, { disks, ...o }) => diskExport.open(id, disks ? { ...o, disks: disks.filter((disk) => disk !== 'no-such-disk') } : o),
    })),
    exportMutant('opens although it was cancelled', 'a cancelled open or check rejects with the reason', (diskExport) => ({
      open: (id, o) => diskExport.open(id, { ...o, ...calm }),
    })),
    ...changedBlocksMutants,
    ...eventsMutants,
    ...networksMutants,
    ...volumesMutants,
    ...isoImagesMutants,
    ...consoleMutants,
    ...metricsMutants,
    ...powerMutants,
    ...snapshotMutants,
    ...restoreMutants,
    ...cloneMutants,
  ],
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toConnectionId, toDiskId, toVMId, type VMInfo } from '@hypersdk/domain';
import type {
  ChangedBlocks,
  Clone,
  Console,
  DiskExport,
  Events,
  IsoImages,
  Networks,
  StoragePools,
  Volumes,
  Inventory,
  Metrics,
  Power,
  ProviderSession,
  Restore,
  RestoreRequest,
  Snapshots,
} from '@hypersdk/ports';
import { openSource } from '@hypersdk/disk';
import { type ArrangeProvider, calm, contentDigest, type Mutant, mutate } from '@hypersdk/testkit';
import { memoryProvider } from './memory-provider.ts';

type Change = (session: ProviderSession) => ProviderSession;

/** Three VMs, the first with two disks. Each session is changed before anyone sees it. */
export function arrange(change: Change = (session) => session): ArrangeProvider {
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hypersdk-memory-'));
    const disk = async (id: string) => {
      const location = join(folder, `${id}.raw`);
      await writeFile(location, id.repeat(512));
      return { id, label: id, virtualSize: id.length * 512, format: 'raw', location };
    };
    const vms = [
      { id: 'web-01', name: 'web-01', cpus: 2, memory: 2 * 1024 ** 3, powerState: 'stopped', disks: [await disk('vda'), await disk('vdb')] },
      { id: 'db-01', name: 'db-01', cpus: 1, memory: 1024 ** 3, powerState: 'stopped', disks: [await disk('sda')] },
      { id: 'lab-01', name: 'lab-01', powerState: 'stopped', disks: [await disk('sdb')] },
    ];
    const config = memoryProvider.parse({ connection: 'lab', vms, deaf: ['db-01'], bare: ['db-01'], unguarded: ['lab-01'], folder });
    let isLetIn = (_id: string, _password: string | undefined): boolean => false;
    return {
      open: async () => {
        const session = await memoryProvider.open(config, calm);
        isLetIn = (id, password) => session.facets.console.lets(id, password);
        return change(session);
      },
      consoles: async () => ({
        talking: toVMId('web-01'),
        bare: toVMId('db-01'),
        unguarded: toVMId('lab-01'),
        patienceMs: 500,
        knock: async ({ endpoint }, password) => endpoint.kind === 'socket' && isLetIn(endpoint.path.slice(1), password),
      }),
      absent: toVMId('web-02'),
      pool: 'default',
      writeToDisk: (vm: VMInfo) => writeFile(vm.disks[0]?.location ?? '', 'something else'),
      contentOf: (vm: VMInfo) => readFile(vm.disks[0]?.location ?? '', 'utf8'),
      restore: { exported: () => buildExported(folder), rootsOf: readRoots },
      clone: { source: toVMId('web-01'), rootsOf: readRoots },
      power: { obedient: toVMId('web-01'), deaf: toVMId('db-01') },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  };
}

/** What an export of a VM with two disks that is not there any more tells of it. */
async function buildExported(folder: string): Promise<Omit<RestoreRequest, 'identity' | 'start'>> {
  const disks: RestoreRequest['disks'][number][] = [];
  for (const id of ['vda', 'vdb']) {
    const path = join(folder, `exported-${id}.raw`);
    const bytes = Buffer.from(`content of ${id}`.padEnd(512, '.').repeat(700));
    await writeFile(path, bytes);
    disks.push({
      disk: { id: toDiskId(id), label: id, virtualSize: bytes.length, format: 'raw', location: '/gone' },
      source: { kind: 'image', image: { path, format: 'raw', references: 'refuse' } },
      content: contentDigest(bytes),
    });
  }
  const vm: VMInfo = {
    id: toVMId('mail-01'),
    name: 'mail-01',
    provider: 'memory',
    connection: toConnectionId('elsewhere'),
    powerState: 'running',
    firmware: 'unknown',
    disks: disks.map(({ disk }) => disk),
    nics: [],
    tags: {},
  };
  return { vm, disks, name: 'mail-01' };
}

async function readRoots({ disks }: VMInfo): Promise<readonly string[]> {
  const roots: string[] = [];
  for (const { location } of disks) {
    await using source = openSource({ kind: 'image', image: { path: location, format: 'raw', references: 'refuse' } });
    const bytes = new Uint8Array(source.virtualSize);
    await source.read(0, bytes, calm);
    roots.push(contentDigest(bytes).root);
  }
  return roots;
}

export const mutant = (flaw: string, breaks: string, change: Change): Mutant<ArrangeProvider> => ({ flaw, breaks, subject: arrange(change) });

interface Changeable {
  readonly inventory: Inventory;
  readonly diskExport: DiskExport;
  readonly changedBlocks: ChangedBlocks;
  readonly events: Events;
  readonly networks: Networks;
  readonly storagePools: StoragePools;
  readonly volumes: Volumes;
  readonly isoImages: IsoImages;
  readonly console: Console;
  readonly metrics: Metrics;
  readonly power: Power;
  readonly snapshots: Snapshots;
  readonly restore: Restore;
  readonly clone: Clone;
}

/** Makes mutants that differ in one facet. */
export const facetMutant =
  <Name extends keyof Changeable>(name: Name) =>
  (flaw: string, breaks: string, change: (facet: Changeable[Name]) => Partial<Changeable[Name]>): Mutant<ArrangeProvider> =>
    mutant(flaw, breaks, (session) => {
      const facets: Partial<Changeable> = session.facets;
      const facet = facets[name];
      return facet
        ? mutate<ProviderSession>(session, { facets: { ...session.facets, [name]: mutate<Changeable[Name]>(facet, change(facet)) } })
        : session;
    });

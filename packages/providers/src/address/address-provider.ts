import {
  HyperError,
  toConnectionId,
  toDiskId,
  toVMId,
  type DiskId,
  type DiskInfo,
  type ProviderKind,
  type VMId,
  type VMInfo,
} from '@hypersdk/domain';
import type {
  Cancel,
  ChangedBlocks,
  DiskExport,
  ExportLease,
  Inventory,
  ProviderModule,
  ProviderSession,
  RemoteDisks,
  WebImages,
} from '@hypersdk/ports';
import { parseAddressConfig, type AddressConfig, type AddressedVM } from './address-config.ts';
import { BitmapChanges } from './bitmap-changes.ts';
import { askNbd, askWeb, type AddressedDisk, type AskAddress } from './addressed-disk.ts';

/** Exports of NBD servers as disks of VMs. */
export const nbdProvider = (remotes: RemoteDisks) =>
  // An export that was written says nothing of it, and some servers take few connections: only who reads it holds it against what it was.
  addressProvider({
    kind: 'nbd',
    ask: askNbd(remotes),
    tellsChange: false,
    changes: (bitmap) => new BitmapChanges(remotes, bitmap),
  }) satisfies ProviderModule<AddressConfig> & { readonly kind: 'nbd' };

/** Image files on web servers as disks of VMs. */
export const httpProvider = (webImages: WebImages) =>
  addressProvider({ kind: 'http', ask: askWeb(webImages), tellsChange: true }) satisfies ProviderModule<AddressConfig> & { readonly kind: 'http' };

interface Manner<Kind extends ProviderKind> {
  readonly kind: Kind;
  readonly ask: AskAddress;
  /** Whether a mark is another one once the content is. */
  readonly tellsChange: boolean;
  /** What tells of changes, where a bitmap is named. */
  readonly changes?: (bitmap: string) => ChangedBlocks;
}

const addressProvider = <Kind extends ProviderKind>(manner: Manner<Kind>) => ({
  kind: manner.kind,
  parse: parseAddressConfig,
  async open(config: AddressConfig, { signal }: Cancel): Promise<ProviderSession> {
    signal.throwIfAborted();
    const reader = new AddressReader(config, manner);
    const changedBlocks = config.bitmap === undefined ? undefined : manner.changes?.(config.bitmap);
    return { facets: { inventory: reader, diskExport: reader, ...(changedBlocks ? { changedBlocks } : {}) }, [Symbol.asyncDispose]: async () => {} };
  },
});

interface ReadVM {
  readonly info: VMInfo;
  /** In the order of the VM's disks. */
  readonly disks: readonly AddressedDisk[];
}

/** Asks the servers anew for each answer. */
class AddressReader implements Inventory, DiskExport {
  readonly #config: AddressConfig;
  readonly #manner: Manner<ProviderKind>;

  constructor(config: AddressConfig, manner: Manner<ProviderKind>) {
    this.#config = config;
    this.#manner = manner;
  }

  async *list({ signal }: Parameters<Inventory['list']>[0]): AsyncGenerator<VMInfo> {
    for (const vm of this.#config.vms) yield (await this.#read(vm, { signal })).info;
    signal.throwIfAborted();
  }

  async get(id: VMId, o: Cancel): Promise<VMInfo> {
    return (await this.#find(id, o)).info;
  }

  async open(id: VMId, { signal, disks: wanted }: Parameters<DiskExport['open']>[1]): Promise<ExportLease> {
    const { info, disks } = await this.#find(id, { signal });
    const held = (wanted ?? info.disks.map((disk) => disk.id)).map((diskId) => {
      const index = info.disks.findIndex((disk) => disk.id === diskId);
      const [disk, read] = [info.disks[index], disks[index]];
      if (!disk || !read) throw noDisk(info, diskId);
      return { disk, locator: read.locator, mark: read.mark };
    });
    return {
      vm: info,
      // Nobody told the guest: its disks are as a power cut would have left them.
      consistency: 'crash',
      disks: held,
      check: async (o) => {
        if (!this.#manner.tellsChange) return;
        const now = await this.#find(id, o);
        const changed = held.find(({ disk, mark }) => now.disks[info.disks.indexOf(disk)]?.mark !== mark);
        if (changed) throw new HyperError('source/changed', `The disk ${changed.disk.label} was written since it was opened.`);
      },
      [Symbol.asyncDispose]: async () => {},
    };
  }

  /** By the id that a list gave, which names its place among the VMs: to know more of it, its servers have to be asked. */
  async #find(id: VMId, { signal }: Cancel): Promise<ReadVM> {
    signal.throwIfAborted();
    for (const vm of this.#config.vms) {
      const read = await this.#read(vm, { signal });
      if (read.info.id === id) return read;
    }
    throw new HyperError('vm/not-found', `There is no VM ${JSON.stringify(id)} at these addresses.`);
  }

  async #read(vm: AddressedVM, { signal }: Cancel): Promise<ReadVM> {
    const disks: AddressedDisk[] = [];
    for (const address of vm.disks) {
      signal.throwIfAborted();
      disks.push(await this.#manner.ask(address, this.#config, { signal }));
    }
    return { info: describe(vm, this.#manner.kind, disks), disks };
  }
}

function describe(vm: AddressedVM, provider: ProviderKind, disks: readonly AddressedDisk[]): VMInfo {
  const [first] = disks;
  if (!first) throw new HyperError('internal/unexpected', 'A VM at no address was read.');
  return {
    id: toVMId(first.shown),
    name: vm.name ?? first.name,
    provider,
    connection: toConnectionId(first.server),
    powerState: 'unknown',
    firmware: 'unknown',
    disks: disks.map(toDisk),
    nics: [],
    tags: {},
  };
}

const toDisk = ({ shown, name, virtualSize, allocatedSize, format }: AddressedDisk): DiskInfo => ({
  id: toDiskId(shown),
  label: name,
  virtualSize,
  ...(allocatedSize === undefined ? {} : { allocatedSize }),
  format,
  location: shown,
});

const noDisk = ({ name }: VMInfo, id: DiskId): HyperError => new HyperError('source/not-found', `The VM ${name} has no disk ${id}.`);

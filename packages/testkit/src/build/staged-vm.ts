import { createHash } from 'node:crypto';
import { HyperError, toConnectionId, toDiskId, toVMId, type DiskInfo, type VMInfo } from '@hypersdk/domain';
import type { Cancel, ExportLease, ProviderSession } from '@hypersdk/ports';
import type { MemoryFiles } from '../memory/memory-files.ts';

/** A VM whose disks are raw images among files in memory, and the session in which it is found: for use cases that need a whole source. */
export class StagedVM implements ProviderSession {
  readonly #files: MemoryFiles;
  readonly #name: string;
  readonly #disks: readonly DiskInfo[];
  /** Leases that were opened and not let go of. */
  openLeases = 0;

  constructor(files: MemoryFiles, contents: readonly Uint8Array[], name = 'web-01') {
    this.#files = files;
    this.#name = name;
    this.#disks = contents.map((content, index): DiskInfo => {
      const location = `/images/${name}-${index}.raw`;
      files.write(location, content);
      return { id: toDiskId(`disk ${index}`), label: `Disk ${index}`, virtualSize: content.length, format: 'raw', location, bootOrder: index };
    });
  }

  get info(): VMInfo {
    return {
      id: toVMId(`vm:${this.#name}`),
      name: this.#name,
      provider: 'memory',
      connection: toConnectionId('stage'),
      powerState: 'stopped',
      cpus: 2,
      memory: 1536 * 1024 * 1024,
      os: 'debian12',
      firmware: 'uefi',
      secureBoot: false,
      disks: this.#disks,
      nics: [{ id: 'net0', mac: '52:54:00:12:34:56', network: 'default' }],
      tags: { owner: 'ops' },
    };
  }

  /** Writes other content of the same length to a disk, as a running VM would. */
  rewrite(index: number, content: Uint8Array): void {
    this.#files.write(this.#disks[index]?.location ?? '', content);
  }

  readonly facets: ProviderSession['facets'] = {
    inventory: { list: () => this.#list(), get: async () => this.info },
    diskExport: { open: (_, o) => this.#open(o.disks ?? this.#disks.map(({ id }) => id), o) },
  };

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held beyond the leases.
  }

  async *#list(): AsyncGenerator<VMInfo> {
    yield this.info;
  }

  async #open(ids: readonly DiskInfo['id'][], { signal }: Cancel): Promise<ExportLease> {
    signal.throwIfAborted();
    const disks = this.#disks
      .filter(({ id }) => ids.includes(id))
      .map((disk) => ({ disk, locator: this.#files.locate(disk.location), mark: this.#markOf(disk) }));
    this.openLeases += 1;
    return {
      vm: this.info,
      consistency: 'crash',
      disks,
      check: async () => {
        const changed = disks.find(({ disk, mark }) => this.#markOf(disk) !== mark);
        if (changed) throw new HyperError('source/changed', `${changed.disk.label} was written while it was read.`);
      },
      [Symbol.asyncDispose]: async () => {
        this.openLeases -= 1;
      },
    };
  }

  #markOf({ location }: DiskInfo): string {
    return createHash('sha256')
      .update(this.#files.find(location)?.bytes ?? new Uint8Array(0))
      .digest('hex');
  }
}

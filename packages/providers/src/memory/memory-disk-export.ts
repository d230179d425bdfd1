import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { HyperError, type VMId } from '@hypersdk/domain';
import type { Cancel, DiskExport, ExportableDisk, ExportLease } from '@hypersdk/ports';
import type { MemoryDisk, MemoryVM } from './memory-config.ts';
import type { MemoryInventory } from './memory-inventory.ts';

/** Holds nothing: it remembers what the image files were, and notices when they are no longer. */
export class MemoryDiskExport implements DiskExport {
  readonly #inventory: MemoryInventory;

  constructor(inventory: MemoryInventory) {
    this.#inventory = inventory;
  }

  async open(id: VMId, { signal, disks }: Parameters<DiskExport['open']>[1]): Promise<ExportLease> {
    const vm = await this.#inventory.get(id, { signal });
    const exported: ExportableDisk[] = [];
    for (const disk of chosen(vm, disks ?? vm.disks.map(({ id: diskId }) => diskId))) {
      const image = { path: disk.location, format: disk.format, references: 'refuse' } as const;
      exported.push({ disk, locator: { kind: 'image', image }, mark: await markOf(disk, { signal }) });
    }
    return {
      vm,
      consistency: 'crash',
      disks: exported,
      check: (o) => check(exported, o),
      [Symbol.asyncDispose]: async () => {},
    };
  }
}

function chosen(vm: MemoryVM, ids: readonly string[]): readonly MemoryDisk[] {
  return ids.map((id) => {
    const disk = vm.disks.find((candidate) => candidate.id === id);
    if (!disk) throw new HyperError('source/not-found', `The VM ${vm.name} has no disk ${id}.`);
    return disk;
  });
}

async function check(exported: readonly ExportableDisk[], o: Cancel): Promise<void> {
  for (const { disk, mark } of exported) {
    if ((await markOf(disk, o)) !== mark) throw new HyperError('source/changed', `The disk ${disk.label} was written since it was opened.`);
  }
}

/** The digest of the image file: the slowest mark there is, and the only one that cannot be wrong. */
async function markOf({ location }: { readonly location: string }, { signal }: Cancel): Promise<string> {
  const digest = createHash('sha256');
  try {
    await pipeline(createReadStream(location), digest, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new HyperError('source/unreadable', `The image ${location} cannot be read.`, { cause });
  }
  return digest.digest('hex');
}

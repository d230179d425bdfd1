import { HyperError, type DiskId, type VMId } from '@hypersdk/domain';
import type { Cancel, DiskExport, ExportableDisk, ExportLease, ImageInspector, ImageLocator } from '@hypersdk/ports';
import type { FilesInventory } from './files-inventory.ts';
import type { FoundVM } from './found-vm.ts';
import { checkPackage } from './ovf/check-package.ts';

type HeldDisk = ExportableDisk & { readonly locator: ImageLocator };

/** Files cannot be held still: the lease remembers what they were, and notices when they are no longer. */
export class FilesDiskExport implements DiskExport {
  readonly #inventory: FilesInventory;
  readonly #inspector: ImageInspector;

  constructor(inventory: FilesInventory, inspector: ImageInspector) {
    this.#inventory = inventory;
    this.#inspector = inspector;
  }

  async open(id: VMId, { signal, disks: wanted }: Parameters<DiskExport['open']>[1]): Promise<ExportLease> {
    const vm = await this.#inventory.find(id, { signal });
    const disks: HeldDisk[] = [];
    const chosen = wanted ? wanted.map((disk) => indexOf(vm, disk)) : allOf(vm);
    for (const index of chosen) {
      const [disk, image] = [vm.info.disks[index], vm.images[index]];
      if (disk?.isEncrypted)
        throw new HyperError('encryption/locked', `${disk.location} is encrypted; make an open copy of it first, with hyperexport convert.`, {
          detail: { path: disk.location },
        });
      if (disk && image) disks.push({ disk, locator: { kind: 'image', image }, mark: await this.#inspector.mark(image, { signal }) });
    }
    // After the marks: a write to a file that was found to be right is noticed like any other.
    await checkPackaged(vm, { signal, chosen });
    return {
      vm: vm.info,
      // Nobody told the guest: its disks are as a power cut would have left them.
      consistency: 'crash',
      disks,
      check: (o) => this.#check(disks, o),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async #check(disks: readonly HeldDisk[], { signal }: Cancel): Promise<void> {
    for (const { disk, locator, mark } of disks) {
      signal.throwIfAborted();
      const now = await this.#inspector.mark(locator.image, { signal }).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new HyperError('source/changed', `The disk ${disk.label} can no longer be read as it was opened.`, { cause });
      });
      if (now !== mark) throw new HyperError('source/changed', `The disk ${disk.label} was written since it was opened.`);
    }
  }
}

/** A package says what its files are to be; a disk that is something else is not worth a copy. */
async function checkPackaged({ packaged }: FoundVM, o: Cancel & { readonly chosen: readonly number[] }): Promise<void> {
  if (!packaged) return;
  const files = o.chosen.map((index) => packaged.files[index]).filter((name) => name !== undefined);
  await checkPackage(packaged.from, { signal: o.signal, files });
}

/** A copy of a whole VM that silently lacks a disk would be worse than none. */
function allOf({ info, missing }: FoundVM): readonly number[] {
  if (missing.length > 0) {
    throw new HyperError(
      'source/not-found',
      `The VM ${info.name} is not whole: the disk ${missing.join('; the disk ')}. Name the disks to export it without.`,
      { detail: { missing } },
    );
  }
  return [...info.disks.keys()];
}

function indexOf({ info }: FoundVM, id: DiskId): number {
  const index = info.disks.findIndex((disk) => disk.id === id);
  if (index < 0)
    throw new HyperError('source/not-found', `The VM ${info.name} has no disk ${id}.`, { detail: { disks: info.disks.map((disk) => disk.id) } });
  return index;
}

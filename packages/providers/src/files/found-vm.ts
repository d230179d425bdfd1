import { posix, win32 } from 'node:path';
import {
  HyperError,
  toConnectionId,
  toDiskId,
  toVMId,
  type DiskInfo,
  type ImageInfo,
  type ImageRef,
  type ReferencePolicy,
  type VMInfo,
} from '@hypersdk/domain';
import type { Cancel, ImageInspector } from '@hypersdk/ports';
import type { DescribedDisk, DescribedVM } from './described-vm.ts';
import { present, tidyText } from '../said-fields.ts';
import { formatByName, innerName, stemOf } from './file-role.ts';
import type { Folder, PlacedFile } from './folder.ts';
import { measureParts } from './image-parts.ts';
import { namesOf } from './ovf/ovf-disks.ts';
import type { OvfPackage } from './ovf/ovf-package.ts';
import { quote, reasonOf, type Report } from './report.ts';

/** A VM with the images of its disks, in the order of its disks. */
export interface FoundVM {
  readonly info: VMInfo;
  readonly images: readonly ImageRef[];
  /** Files of the folder that belong to this VM and are no VMs of their own. */
  readonly claimed: readonly string[];
  /** Disks that the descriptor names and that are not here; without them a copy of the VM would not be whole. */
  readonly missing: readonly string[];
  /** The package that the disks lie in, and their files' names there in the order of the disks. */
  readonly packaged?: { readonly from: OvfPackage; readonly files: readonly string[] };
}

export interface Surroundings {
  readonly folder: Folder;
  readonly inspector: ImageInspector;
  readonly references: ReferencePolicy;
}

/** The VM that a descriptor tells of. A disk that is not here or cannot be read is reported and left out. */
export async function toDescribedVM(
  described: DescribedVM,
  from: PlacedFile,
  o: Cancel & Surroundings & { readonly report: Report },
): Promise<FoundVM> {
  const disks: DiskInfo[] = [];
  const images: ImageRef[] = [];
  const claimed: string[] = [];
  const files: string[] = [];
  const missing = [...described.elsewhere];
  for (const disk of described.disks) {
    const file = described.from ? await findPackaged(described.from, disk, from) : await findDisk(o.folder, disk, posix.dirname(from.place));
    if (!file) {
      missing.push(`${disk.id} (${quote(disk.file)}) is not in this ${described.from?.isArchive ? 'archive' : 'folder'}`);
      continue;
    }
    claimed.push(file.place);
    try {
      const { image, found } = await inspect(file, { ...o, ...present({ format: disk.format }) });
      disks.push({ ...toDisk(disk.id, file, found), ...present({ bootOrder: disk.bootOrder, bus: disk.bus }) });
      images.push(image);
      files.push(posix.basename(file.place));
      claimed.push(...found.references.map((name) => posix.join(posix.dirname(file.place), name)));
    } catch (failure) {
      o.signal.throwIfAborted();
      missing.push(`${disk.id} cannot be used: ${reasonOf(failure)}`);
    }
  }
  for (const why of missing) o.report(`${quote(from.place)}: the disk ${why}${why.endsWith('.') ? '' : '.'}`);

  const { name, uuid, cpus, memory, os, arch, machine, firmware, secureBoot, nics } = described;
  const info = {
    ...frameOf(from.place, o.folder),
    name,
    ...present({ cpus, memory, os, arch, machine, secureBoot }),
    firmware,
    disks,
    nics,
    tags: uuid === undefined ? {} : { uuid },
  };
  return { info, images, claimed, missing, ...(described.from ? { packaged: { from: described.from, files } } : {}) };
}

/** The VM of one disk that an image is by itself. Fails as the inspection does. */
export async function toImageVM(file: PlacedFile, o: Cancel & Surroundings): Promise<FoundVM> {
  const fileName = posix.basename(file.place);
  const name = tidyText(stemOf(innerName(fileName))) ?? fileName;
  const format = formatByName(file.place);
  const frame = { ...frameOf(file.place, o.folder), name, firmware: 'unknown', nics: [], tags: {} } as const;
  const seen = await inspectUnlessLocked(file, { ...o, ...present({ format }) });
  const parts = await measureParts(o.folder, file);
  const partCount = parts.count === 1 ? undefined : parts.count;
  if (seen === 'locked') {
    const label = tidyText(fileName) ?? fileName;
    const disk = { id: toDiskId(fileName), label, virtualSize: parts.size, location: file.path, isEncrypted: true } as const;
    const info = { ...frame, disks: [{ ...disk, ...present({ format, partCount }) }] };
    return { info, images: [], claimed: [], missing: [] };
  }
  const { image, found } = seen;
  const claimed = found.references.map((reference) => posix.join(posix.dirname(file.place), reference));
  const info = { ...frame, disks: [{ ...toDisk(fileName, file, found), ...present({ partCount }) }] };
  return { info, images: [image], claimed, missing: [] };
}

/** That somebody encrypted an image is no fault of it: it is there, and more than its files can only be told with its key. */
async function inspectUnlessLocked(...args: Parameters<typeof inspect>): Promise<Awaited<ReturnType<typeof inspect>> | 'locked'> {
  try {
    return await inspect(...args);
  } catch (failure) {
    if (failure instanceof HyperError && failure.code === 'encryption/locked') return 'locked';
    throw failure;
  }
}

async function inspect(
  file: PlacedFile,
  o: Cancel & Surroundings & { readonly format?: ImageRef['format'] },
): Promise<{ readonly image: ImageRef; readonly found: ImageInfo }> {
  const { signal, references } = o;
  const image = await o.inspector.refer(file.path, { signal, references, ...present({ format: o.format }) });
  return { image, found: await o.inspector.inspect(image, { signal }) };
}

/** A file of an archive is named as if the archive were a folder, which is how the engine is asked for it. */
async function findPackaged(packaged: OvfPackage, { file }: DescribedDisk, from: PlacedFile): Promise<PlacedFile | undefined> {
  for (const name of namesOf(file)) {
    const found = await packaged.find(name);
    if (!found) continue;
    const inside = (path: string): string => `${path}/${name}`;
    return packaged.isArchive
      ? { path: inside(from.path), place: inside(from.place) }
      : { path: found.path, place: posix.join(posix.dirname(from.place), name) };
  }
  return undefined;
}

/**
 * Descriptors name disks by the path that they had where the VM ran. A path that leads out of the folder is not followed; when it is absolute,
 * a file of the same name beside the descriptor is what was meant, since descriptor and images were moved here together.
 */
async function findDisk(folder: Folder, { file }: DescribedDisk, from: string): Promise<PlacedFile | undefined> {
  const found = await folder.find(file, from);
  if (found) return found;
  if (posix.isAbsolute(file)) return folder.find(posix.basename(file), from);
  return win32.isAbsolute(file) ? folder.find(win32.basename(file), from) : undefined;
}

/** Files at rest say nothing about whether the VM runs elsewhere. */
function frameOf(place: string, folder: Folder): Pick<VMInfo, 'id' | 'provider' | 'connection' | 'powerState' | 'path'> {
  const inside = posix.dirname(place);
  return {
    id: toVMId(place),
    provider: 'files',
    connection: toConnectionId(folder.root),
    powerState: 'unknown',
    ...(inside === '.' ? {} : { path: inside }),
  };
}

const toDisk = (id: string, { path }: Pick<PlacedFile, 'path'>, { virtualSize, allocatedSize, format }: ImageInfo): DiskInfo => ({
  id: toDiskId(id),
  label: tidyText(posix.basename(path)) ?? id,
  virtualSize,
  allocatedSize,
  format,
  location: path,
});

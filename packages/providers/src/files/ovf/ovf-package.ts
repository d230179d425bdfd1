import { constants, open, type FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { readOva } from '@hypersdk/disk';
import { HyperError, type ByteRange } from '@hypersdk/domain';
import { endingOf, stemOf } from '../file-role.ts';
import type { Folder, PlacedFile } from '../folder.ts';
import { quote } from '../report.ts';

/** A file of a package: of its own, or a part of the archive. */
export interface PackagedFile {
  readonly name: string;
  readonly path: string;
  readonly slice?: ByteRange;
}

/** Descriptor, manifest and certificate together; the descriptor of a VM with hundreds of disks takes some hundred KiB. */
const TEXT_SIZE_MAX = 4 * 1024 * 1024;

/** A descriptor with the files that belong to it, in an archive or beside each other. */
export interface OvfPackage {
  readonly descriptor: PackagedFile;
  readonly isArchive: boolean;
  find(name: string): Promise<PackagedFile | undefined>;
}

/** Opens `x.ova`, or `x.ovf` with what lies beside it. Names are looked up and never followed anywhere else. */
export function openPackage(folder: Folder, file: PlacedFile): OvfPackage {
  if (endingOf(file.place) === 'ova') return openArchive(file.path);
  const from = posix.dirname(file.place);
  return {
    descriptor: { name: posix.basename(file.place), path: file.path },
    isArchive: false,
    find: async (name) => {
      const found = name.includes('/') ? undefined : await folder.find(name, from);
      return found && { name, path: found.path };
    },
  };
}

function openArchive(path: string): OvfPackage {
  const files = new Map<string, PackagedFile>(readOva(path).map(({ name, offset, length }) => [name, { name, path, slice: { offset, length } }]));
  const [descriptor] = files.values();
  // An archive without a descriptor at its start is refused by its reader.
  if (!descriptor) throw new HyperError('internal/unexpected', 'An archive without members was taken for a package.');
  return { descriptor, isArchive: true, find: async (name) => files.get(name) };
}

/** The file of the package that goes with the descriptor: manifest or certificate. */
export const findCompanion = (found: OvfPackage, ending: 'mf' | 'cert'): Promise<PackagedFile | undefined> =>
  found.find(`${stemOf(found.descriptor.name)}.${ending}`);

/** A short file as a whole. */
export async function readPackaged(file: PackagedFile): Promise<Uint8Array> {
  await using handle = await openPackaged(file);
  const { offset, length } = await rangeOf(file, handle);
  if (length > TEXT_SIZE_MAX)
    throw new HyperError(
      'document/malformed',
      `${quote(file.name)} has ${length} bytes, more than the ${TEXT_SIZE_MAX} that a text of a package may have.`,
    );
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}

export async function openPackaged(file: PackagedFile): Promise<FileHandle> {
  try {
    return await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw new HyperError('source/unreadable', `The file ${quote(file.name)} of the package cannot be opened.`, { cause });
  }
}

/** Where its bytes lie; a file that is none (a pipe, a device) is refused. */
export async function rangeOf(file: PackagedFile, handle: FileHandle): Promise<ByteRange> {
  const status = await handle.stat();
  if (!status.isFile()) throw new HyperError('source/not-a-file', `${quote(file.name)} is no regular file.`);
  return file.slice ?? { offset: 0, length: status.size };
}

export function toText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HyperError('document/malformed', `${quote(name)} is not written in UTF-8.`, { cause });
  }
}

import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { HyperError, type ByteRange } from '@hypersdk/domain';
import { findFirstVolume, findVolumes } from '../file/volume-names.ts';
import { shown } from './archive-refusal.ts';
import { readOva } from './read-ova.ts';

/** A file, or the part of an archive that a file in it takes. */
export interface FoundFile {
  readonly path: string;
  /** The volumes that follow, when it is the first of several. */
  readonly volumes?: readonly string[];
  readonly slice?: ByteRange;
}

/** Members that come with disks and are none. */
const NO_DISK = /\.(?:ovf|mf|cert|nvram|iso|xml|txt)$/i;

/**
 * What a path means. A disk in an OVA is named as if the archive were a folder, `vm.ova/disk.vmdk`; where it is the only one, the name of the archive is enough.
 * Whether something is an archive is told by its name: the bytes of a disk are its guest's, and may look like anything.
 */
export function findFile(path: string): FoundFile {
  if (isArchive(path)) return onlyDisk(path);
  if (!isArchive(dirname(path))) {
    const first = findFirstVolume(path);
    if (first !== undefined)
      throw new HyperError('source/not-a-file', `${path} is a part of an image; name its first volume, ${first}.`, { detail: { path } });
    const volumes = findVolumes(path);
    return volumes.length > 0 ? { path, volumes } : { path };
  }
  const name = basename(path);
  const member = readOva(dirname(path)).find((candidate) => candidate.name === name);
  if (!member) throw new HyperError('source/not-found', `${dirname(path)} holds no ${shown(name)}.`, { detail: { path } });
  return { path: dirname(path), slice: { offset: member.offset, length: member.length } };
}

/** By its name, and only when it is a file: a folder may be called like one. */
const isArchive = (path: string): boolean => /\.ova$/i.test(path) && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);

function onlyDisk(path: string): FoundFile {
  const disks = readOva(path).filter(({ name }) => !NO_DISK.test(name));
  const [disk] = disks;
  if (disk && disks.length === 1) return { path, slice: { offset: disk.offset, length: disk.length } };
  const names = disks.map(({ name }) => `${path}/${name}`).join(', ');
  const why = disk ? `${path} holds ${disks.length} disks; name one of them: ${names}.` : `${path} holds no disk.`;
  throw new HyperError(disk ? 'usage/invalid' : 'source/not-found', why, { detail: { path } });
}

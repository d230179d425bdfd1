import { existsSync } from 'node:fs';
import { formatBytes, HyperError } from '@hypersdk/domain';

// Volumes are numbered from .001, as 7-Zip, FTK and The Sleuth Kit have it; `cat disk.raw.*` joins them.

/** Numbers of three digits sort as they follow each other. */
const VOLUME_COUNT_MAX = 999;
/** An image may take a little more than its disk: tables, and what encryption adds to each chunk. */
const OVERHEAD_SHARE = 0.05;
const OVERHEAD_SIZE = 64 * 1024 * 1024;
/** Smaller volumes are of no use, and a header of the age format has to fit into the first. */
const VOLUME_SIZE_MIN = 1024 * 1024;

const FIRST = /\.001$/;

const isFirstVolume = (path: string): boolean => FIRST.test(path);

const volumePath = (first: string, number: number): string => first.replace(FIRST, `.${String(number).padStart(3, '0')}`);

/** Names of all volumes behind the first that an image of this disk may need; `usage/invalid` when they are too many. */
export function volumeNames(first: string, o: { readonly virtualSize: number; readonly volumeSize: number }): readonly string[] {
  const invalid = (why: string): HyperError =>
    new HyperError('usage/invalid', `The image cannot be split: ${why}.`, { detail: { field: 'volumeSize' } });
  if (!isFirstVolume(first)) throw invalid('the name of its first volume ends in .001');
  if (!Number.isSafeInteger(o.volumeSize) || o.volumeSize < VOLUME_SIZE_MIN) throw invalid(`a volume has at least ${formatBytes(VOLUME_SIZE_MIN)}`);
  const count = Math.ceil((o.virtualSize * (1 + OVERHEAD_SHARE) + OVERHEAD_SIZE) / o.volumeSize);
  if (Math.ceil(o.virtualSize / o.volumeSize) > VOLUME_COUNT_MAX)
    throw invalid(`a disk of ${formatBytes(o.virtualSize)} would need more than ${VOLUME_COUNT_MAX} volumes of ${formatBytes(o.volumeSize)}`);
  return Array.from({ length: Math.min(count, VOLUME_COUNT_MAX) - 1 }, (_, index) => volumePath(first, index + 2));
}

/** The first volume of the image that this is a later one of. */
export function findFirstVolume(path: string): string | undefined {
  const first = path.replace(/\.\d{3}$/, '.001');
  return first !== path && existsSync(first) ? first : undefined;
}

/** The volumes that lie behind a first one; none when it is no first volume. `image/malformed` when one between others is missing. */
export function findVolumes(path: string): readonly string[] {
  const found = existingVolumes(path);
  const missing = found.map((_, index) => volumePath(path, index + 2)).find((expected, index) => expected !== found[index]);
  if (missing === undefined) return found;
  throw new HyperError('image/malformed', `The volume ${missing} is missing, and others behind it are there.`, { detail: { path: missing } });
}

/** Files that whoever reads would take for volumes behind this one, with or without gaps. */
export function existingVolumes(path: string): readonly string[] {
  if (!isFirstVolume(path)) return [];
  return Array.from({ length: VOLUME_COUNT_MAX - 1 }, (_, index) => volumePath(path, index + 2)).filter((volume) => existsSync(volume));
}

import { stat } from 'node:fs/promises';
import { firstVolumeOf } from './file-role.ts';
import type { Folder, PlacedFile } from './folder.ts';

/** Numbers of three digits, as the volumes of an image have them. */
const VOLUME_COUNT_MAX = 999;

/** In how many files an image lies, and what they take together. */
export async function measureParts(folder: Folder, file: PlacedFile): Promise<{ readonly count: number; readonly size: number }> {
  let size = (await stat(file.path)).size;
  let count = 1;
  for (; firstVolumeOf(file.place) === file.place && count < VOLUME_COUNT_MAX; count += 1) {
    const volume = await folder.find(file.place.replace(/\d{3}$/, String(count + 1).padStart(3, '0')));
    if (!volume) break;
    size += (await stat(volume.path)).size;
  }
  return { count, size };
}

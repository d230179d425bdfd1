import { HyperError } from '@hypersdk/domain';
import type { BlockLocator, Cancel } from '@hypersdk/ports';
import { imageMark } from '../inspect/image-mark.ts';
import type { DiskSource } from '../locator/disk-source.ts';
import { openLocator } from '../locator/open-locator.ts';

/** Opens a source that still is what `mark` says: every thread opens it by itself, and all must have the same content in hand. */
export async function openUnchanged(source: BlockLocator, mark: string, o: Cancel): Promise<DiskSource> {
  const disk = await openLocator(source, o);
  try {
    requireMark(disk, mark);
    return disk;
  } catch (error) {
    disk[Symbol.dispose]();
    throw error;
  }
}

/** Fails with `source/changed` when a file of the open disk was written since, or another export came under its name. */
export function requireMark(disk: DiskSource, mark: string): void {
  if ((disk.mark ?? imageMark(disk)) === mark) return;
  throw new HyperError('source/changed', `${disk.files[0]?.path ?? 'The source'} has changed since it was looked at.`, { detail: { mark } });
}

import { HyperError } from '@hypersdk/domain';
import type { BlockLocator } from '@hypersdk/ports';
import type { DiskImage } from '../format/disk-image.ts';
import { imageMark } from '../inspect/image-mark.ts';
import { openLocator } from '../locator/open-locator.ts';

/** Opens a source that still is what `mark` says: every thread opens the path by itself, and all must have the same content in hand. */
export function openUnchanged(source: BlockLocator, mark: string): DiskImage {
  const image = openLocator(source);
  try {
    requireMark(image, mark);
    return image;
  } catch (error) {
    image[Symbol.dispose]();
    throw error;
  }
}

/** Fails with `source/changed` when a file of the open image was written since. */
export function requireMark(image: DiskImage, mark: string): void {
  if (imageMark(image) === mark) return;
  throw new HyperError('source/changed', `${image.files[0]?.path ?? 'The source'} has changed since it was looked at.`, { detail: { mark } });
}

import type { BlockLocator } from '@hypersdk/ports';
import type { DiskImage } from '../format/disk-image.ts';
import { openImage } from '../format/open-image.ts';

/** Opens a source from plain data, on whatever thread this is. */
export function openLocator(locator: BlockLocator): DiskImage {
  switch (locator.kind) {
    case 'image':
      return openImage(locator.image);
  }
}

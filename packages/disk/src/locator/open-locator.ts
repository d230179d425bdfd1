import type { BlockLocator, Cancel } from '@hypersdk/ports';
import { openImage } from '../format/open-image.ts';
import { openNbdDisk } from '../remote/open-nbd-disk.ts';
import { openHttpDisk } from '../remote/http/open-http-disk.ts';
import type { DiskSource } from './disk-source.ts';

/** Opens a source from plain data, on whatever thread this is. Stopping it ends what a remote disk still waits for. */
export async function openLocator(locator: BlockLocator, o: Cancel): Promise<DiskSource> {
  switch (locator.kind) {
    case 'image':
      return openImage(locator.image);
    case 'nbd':
      return openNbdDisk(locator, o);
    case 'http':
      return openHttpDisk(locator, o);
  }
}

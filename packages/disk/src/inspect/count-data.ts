import type { Cancel } from '@hypersdk/ports';
import type { DiskImage } from '../format/disk-image.ts';

/** The longest that counting extents holds the caller's thread. */
const COUNT_MS = 10;
/** Extents between two looks at the clock. */
const EXTENTS_PER_LOOK = 4;

/** Bytes of the disk that hold data. */
export async function countData(image: DiskImage, o: Cancel): Promise<number> {
  let data = 0;
  let seen = 0;
  let since = performance.now();
  for (const extent of image.extents({ offset: 0, length: image.virtualSize })) {
    if (extent.kind === 'data') data += extent.length;
    seen += 1;
    if (seen % EXTENTS_PER_LOOK !== 0 || performance.now() - since < COUNT_MS) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    o.signal.throwIfAborted();
    since = performance.now();
  }
  return data;
}

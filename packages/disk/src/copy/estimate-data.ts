import { LEAF_SIZE } from '@hypersdk/domain';
import type { DiskImage } from '../format/disk-image.ts';

/** Longest time spent on counting before the copy starts; an image whose tables take longer is copied without an expectation. */
const BUDGET_MS = 200;
const EXTENTS_PER_LOOK = 4;

/** Bytes of data from `offset` to the end of the disk, when they can be counted quickly. */
export function estimateData(image: DiskImage, offset: number): { readonly dataExpected?: number } {
  const deadline = performance.now() + BUDGET_MS;
  let dataExpected = 0;
  let seen = 0;
  for (const extent of image.extents({ offset: Math.floor(offset / LEAF_SIZE) * LEAF_SIZE, length: Math.max(0, image.virtualSize - offset) })) {
    if (extent.kind === 'data') dataExpected += extent.length;
    seen += 1;
    if (seen % EXTENTS_PER_LOOK === 0 && performance.now() > deadline) return {};
  }
  return { dataExpected };
}

import { LEAF_SIZE } from '@hypersdk/domain';
import type { DiskSource } from '../locator/disk-source.ts';

/** Longest time spent on counting before the copy starts; a disk whose tables take longer is copied without an expectation. */
const BUDGET_MS = 200;
const EXTENTS_PER_LOOK = 4;

/** Bytes of data from `offset` to the end of the disk, when they can be counted quickly. */
export async function estimateData(disk: DiskSource, offset: number): Promise<{ readonly dataExpected?: number }> {
  const deadline = performance.now() + BUDGET_MS;
  let dataExpected = 0;
  let seen = 0;
  for (const extent of disk.extents({ offset: Math.floor(offset / LEAF_SIZE) * LEAF_SIZE, length: Math.max(0, disk.virtualSize - offset) })) {
    if (extent instanceof Promise) {
      if (await isLater(extent, deadline)) return {};
      continue;
    }
    if (extent.kind === 'data') dataExpected += extent.length;
    seen += 1;
    if (seen % EXTENTS_PER_LOOK === 0 && performance.now() > deadline) return {};
  }
  return { dataExpected };
}

async function isLater(pending: Promise<void>, deadline: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), Math.max(0, deadline - performance.now()));
  void pending.then(() => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

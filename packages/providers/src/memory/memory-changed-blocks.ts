import type { ChangedBlocks, DiskChanges, ExportableDisk } from '@hypersdk/ports';

/** Knows a disk by the digest of its image, and so whether it changed, but never where. */
export class MemoryChangedBlocks implements ChangedBlocks {
  async since({ mark: now }: ExportableDisk, mark: string): Promise<DiskChanges> {
    return mark === now ? { kind: 'unchanged' } : { kind: 'unknown', reason: 'nothing is recorded of what is written' };
  }
}

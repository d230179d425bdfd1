import type { ByteRange, PartitionEntry } from '@hypersdk/domain';

/** Where a partition lies, in bytes of the disk. */
export interface Partition extends ByteRange {
  readonly entry: PartitionEntry;
}

export interface PartitionTable {
  readonly kind: 'gpt' | 'mbr';
  readonly sectorSize: number;
  readonly id?: string;
  readonly partitions: readonly Partition[];
  /** Sentences on what is wrong with it. */
  readonly problems: readonly string[];
}

/** Sectors that disks have. */
export const SECTOR_SIZES = [512, 4096] as const;

import { GIB, MIB } from '@hypersdk/domain';

/** The format counts in sectors of this many bytes. */
export const SECTOR_SIZE = 512;

/** What Virtual PC, Virtual Server and Hyper-V allow, and QEMU too. */
export const VIRTUAL_SIZE_MAX = 2040 * GIB;

/** "Block Allocation Table": an entry is a sector number of 32 bits, and all ones mean absent. */
export const BLOCK_END_MAX = 2 ** 32 * SECTOR_SIZE;

/** Programs in use make blocks of 512 KiB and 2 MiB. The bitmap of a block is held in memory as a whole: 64 KiB for this one. */
export const BLOCK_SIZE_MAX = 256 * MIB;

/** The table is held in memory, at 4 bytes an entry and once more to find blocks that overlap: this many cover the largest disk in blocks of 512 KiB. */
export const TABLE_ENTRIES_MAX = 4 * MIB;

import { KIB, MIB, TIB } from '@hypersdk/domain';

export const SECTOR_SIZE = 512;

/** Nothing that we copy is larger; a caller may set another limit. */
export const VIRTUAL_SIZE_MAX = 64 * TIB;

/** VirtualBox and QEMU make blocks of 1 MiB. Below a page of memory a block would be smaller than its share of any file system. */
export const BLOCK_SIZE_MIN = 4 * KIB;
export const BLOCK_SIZE_MAX = 256 * MIB;

/** Blocks of the largest disk at 1 MiB. A bit is remembered for each: 8 MiB. */
export const BLOCK_COUNT_MAX = 64 * MIB;

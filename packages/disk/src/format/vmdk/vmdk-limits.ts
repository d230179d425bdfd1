import { GIB, LEAF_SIZE, MIB, TIB } from '@hypersdk/domain';

/** The format counts everything in sectors of this many bytes. */
export const SECTOR_SIZE = 512;

/** "Hosted Sparse Extents": a grain table of a hosted disk always has this many entries, of 4 bytes each. */
export const TABLE_ENTRIES = 512;
export const TABLE_SIZE = TABLE_ENTRIES * 4;

/** Policy: no platform makes larger disks, and a forged size costs whoever believes it. */
export const VIRTUAL_SIZE_MAX = 64 * TIB;

/** Grains of 4 KiB are the smallest that the specification allows in hosted extents. */
export const GRAIN_SIZE_MIN = 4096;
/** A compressed grain is held in memory as a whole; programs in use make 64 KiB. */
export const GRAIN_SIZE_MAX = MIB;

/** The directory is held in memory at 4 bytes an entry: this many cover 64 TiB in grains of 64 KiB and take 8 MiB. */
export const DIRECTORY_ENTRIES_MAX = 2 * MIB;

/** Descriptors in use take 1 to 10 KiB; the text is held in memory as a whole. */
export const DESCRIPTOR_SIZE_MAX = MIB;

/** Every extent keeps a file open, and 1024 open files are what a process may usually have. Covers 1.5 TiB in pieces of 2 GiB. */
export const DESCRIPTOR_EXTENTS_MAX = 768;

/** A grain table entry is a sector number of 32 bits, so no sparse file can use more. */
export const SPARSE_FILE_MAX = 2048 * GIB;

/** What the extents of a split disk hold, so that none of their files, header and tables included, has more than 2 GiB; whole leaves, as one extent takes a leaf. */
export const SPLIT_EXTENT_SIZE = 2 * GIB - LEAF_SIZE;

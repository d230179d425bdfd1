// MS-VHDX 2.1 "Layout", 2.2 "Header Section" and 2.6.2.1 "File Parameters".
import { KIB, MIB, TIB } from '@hypersdk/domain';

/** Structures of the header section each have a place of 64 KiB. */
export const PLACE_SIZE = 64 * KIB;
/** Regions, the log and blocks begin and end on multiples of this; the first such piece is the header section. */
export const ALIGNMENT = MIB;

/** The format's own limit, and our policy. */
export const VIRTUAL_SIZE_MAX = 64 * TIB;
export const BLOCK_SIZE_MIN = MIB;
export const BLOCK_SIZE_MAX = 256 * MIB;
export const SECTOR_SIZES: readonly number[] = [512, 4096];

/** A sector bitmap block always has this size (MS-VHDX 2.4 "Blocks"). */
export const BITMAP_BLOCK_SIZE = MIB;
/** Sectors that one sector bitmap block covers: a bit each. */
const SECTORS_PER_BITMAP = BITMAP_BLOCK_SIZE * 8;

/** Payload blocks for each sector bitmap block (MS-VHDX 2.5 "BAT"). */
export const chunkRatio = (o: { readonly blockSize: number; readonly sectorSize: number }): number =>
  (SECTORS_PER_BITMAP * o.sectorSize) / o.blockSize;

/** The log is replayed in memory, which takes its size twice; programs in use make logs of 1 MiB. */
export const LOG_SIZE_MAX = 32 * MIB;

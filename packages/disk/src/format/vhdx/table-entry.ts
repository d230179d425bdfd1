// MS-VHDX 2.5 "BAT": an entry for each payload block, and after each chunk of them one for the chunk's sector bitmap.
import { ALIGNMENT, chunkRatio } from './vhdx-limits.ts';

export const ENTRY_SIZE = 8;
/** States of a payload block (MS-VHDX 2.5.1.1) and of a sector bitmap block (2.5.1.2). */
export const BLOCK_STATE = { absent: 0, undefined: 1, zero: 2, unmapped: 3, present: 6, partial: 7 } as const;
/** MiB in an entry lie above its state and what is reserved. */
export const OFFSET_SHIFT = 20;
const STATE_BITS = 7;
/** State and reserved bits of an entry's lower half. */
const MEANINGFUL_BITS = 0xf_ffff;

/** How a block's entries are numbered. */
export interface TableShape {
  readonly blockCount: number;
  readonly entryCount: number;
  readonly ratio: number;
}

export function tableShape(o: {
  readonly virtualSize: number;
  readonly blockSize: number;
  readonly sectorSize: number;
  readonly hasParent: boolean;
}): TableShape {
  const ratio = chunkRatio(o);
  const blockCount = Math.ceil(o.virtualSize / o.blockSize);
  // Only a differencing disk needs the bitmap of the last chunk.
  const entryCount = o.hasParent ? Math.ceil(blockCount / ratio) * (ratio + 1) : blockCount + Math.floor((blockCount - 1) / ratio);
  return { blockCount, entryCount, ratio };
}

export const entryOfBlock = (block: number, ratio: number): number => block + Math.floor(block / ratio);
/** The block of an entry; for the entry of a bitmap, the first block of the next chunk. */
export const blockOfEntry = (entry: number, ratio: number): number => entry - Math.floor(entry / (ratio + 1));

export interface Entry {
  readonly state: number;
  readonly reserved: number;
  readonly fileOffset: number;
}

/** MS-VHDX 2.5.1 "BAT Entry": three bits of state, seventeen reserved, forty-four for the MiB of the file. */
export function entryAt(page: Buffer, at: number): Entry {
  const low = page.readUInt32LE(at);
  const mebibytes = page.readUInt32LE(at + 4) * 2 ** (32 - OFFSET_SHIFT) + (low >>> OFFSET_SHIFT);
  return { state: low & STATE_BITS, reserved: (low >>> 3) & 0x1_ffff, fileOffset: mebibytes * ALIGNMENT };
}

export const stateAt = (page: Buffer, at: number): number => page.readUInt32LE(at) & STATE_BITS;

/** Whether the entry holds nothing and claims no place, as most do. */
export const isIdleAt = (page: Buffer, at: number): boolean => (page.readUInt32LE(at) & MEANINGFUL_BITS) <= BLOCK_STATE.unmapped;

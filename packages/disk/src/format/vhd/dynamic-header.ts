// Virtual Hard Disk Image Format Specification 1.0, "Dynamic Disk Header Format". All fields are big-endian.
import { endOf, formatBytes, roundUp, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { toByteCount } from '../../file/safe-number.ts';
import { checksumOf } from './checksum.ts';
import { FOOTER_SIZE } from './footer.ts';
import { BLOCK_SIZE_MAX, SECTOR_SIZE, TABLE_ENTRIES_MAX } from './vhd-limits.ts';
import { malformed, tooLarge, unsupported } from './vhd-refusal.ts';

export const HEADER_SIZE = 1024;
export const HEADER_COOKIE = 'cxsparse';
export const HEADER_CHECKSUM = 36;
export const PARENT_NAME = { offset: 64, length: 512 } as const;
export const LOCATORS = { offset: 576, size: 24, count: 8 } as const;

/** The checked header, with what it says about a parent left as it is. */
export interface DynamicHeader {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly blockSize: number;
  /** Bytes of the bitmap in front of each block's content. */
  readonly bitmapSize: number;
  /** The entries of the block allocation table that the disk needs. */
  readonly table: { readonly offset: number; readonly count: number };
  readonly parentId: string;
  readonly parentTime: number;
}

export interface HeaderPlace {
  readonly offset: number;
  readonly virtualSize: number;
  /** Where the footer at the end begins, or the file ends without one. */
  readonly end: number;
}

/** Reads the header and checks every field before it is used. */
export function readDynamicHeader(file: ByteFile, { offset, virtualSize, end }: HeaderPlace): DynamicHeader {
  const { path } = file;
  const fault = (why: string, at: number) => malformed(why, { path, offset: offset + at });
  if (offset < FOOTER_SIZE) throw malformed('the dynamic header is said to lie inside the footer', { path, offset: 16 });
  if (offset + HEADER_SIZE > end)
    throw malformed(`the dynamic header is said to lie at byte ${offset}, but its blocks end at ${end}`, { path, offset: 16 });
  const bytes = new Uint8Array(HEADER_SIZE);
  file.read(offset, bytes);
  const view = new DataView(bytes.buffer);
  if (Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== HEADER_COOKIE) throw fault('the cookie of its dynamic header is missing', 0);
  if (view.getUint32(HEADER_CHECKSUM) !== checksumOf(bytes, HEADER_CHECKSUM))
    throw fault('the checksum of its dynamic header does not match', HEADER_CHECKSUM);
  const version = view.getUint32(24);
  if (version >>> 16 !== 1) throw unsupported(`its dynamic header has version ${version >>> 16}, and only 1 is known`, { path, offset: offset + 24 });

  const blockSize = view.getUint32(32);
  if (blockSize < SECTOR_SIZE || (blockSize & (blockSize - 1)) !== 0)
    throw fault(`a block of ${blockSize} bytes is not a power of two from one sector on`, 32);
  if (blockSize > BLOCK_SIZE_MAX)
    throw unsupported(`a block of ${formatBytes(blockSize)} is over the limit of ${formatBytes(BLOCK_SIZE_MAX)}`, { path, offset: offset + 32 });
  const count = Math.ceil(virtualSize / blockSize);
  const recorded = view.getUint32(28);
  if (recorded < count) throw fault(`a table of ${recorded} blocks does not cover the disk, which needs ${count}`, 28);
  if (count > TABLE_ENTRIES_MAX)
    throw tooLarge(`a table of ${count} blocks is over the limit of ${TABLE_ENTRIES_MAX}`, { path, offset: offset + 28 });
  const table = toByteCount(view.getBigUint64(16));
  if (table === undefined || table + count * 4 > end) throw fault('the block allocation table is said to lie beyond the end of the file', 16);
  const header: DynamicHeader = {
    offset,
    bytes,
    blockSize,
    bitmapSize: bitmapSizeOf(blockSize),
    table: { offset: table, count },
    parentId: Buffer.from(bytes).toString('hex', 40, 56),
    parentTime: view.getUint32(56),
  };
  const [footer, own, blocks] = areasOf(header);
  if (overlap(own, blocks)) throw fault('the block allocation table overlaps the dynamic header', 16);
  if (overlap(footer, blocks)) throw fault('the block allocation table overlaps the footer', 16);
  return header;
}

/** "Data Blocks": a bit for each sector of the block, filled up to whole sectors. */
export const bitmapSizeOf = (blockSize: number): number => roundUp(Math.ceil(blockSize / SECTOR_SIZE / 8), SECTOR_SIZE);

/** What no block may lie on: the footer's copy, the header, the table. */
export const areasOf = ({ offset, table }: DynamicHeader): readonly [NamedRange, NamedRange, NamedRange] => [
  { name: 'footer', offset: 0, length: FOOTER_SIZE },
  { name: 'dynamic header', offset, length: HEADER_SIZE },
  { name: 'block allocation table', offset: table.offset, length: table.count * 4 },
];

export interface NamedRange extends ByteRange {
  readonly name: string;
}

export const overlap = (a: ByteRange, b: ByteRange): boolean => a.offset < endOf(b) && b.offset < endOf(a);

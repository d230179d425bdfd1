// VirtualBox VDI, core header of version 1.1: a text, a signature and a version, then the header proper. All fields are little-endian.
import type { ByteFile } from '../../file/byte-file.ts';
import { toByteCount } from '../../file/safe-number.ts';
import { refuse } from '../refusal.ts';
import { BLOCK_COUNT_MAX, BLOCK_SIZE_MAX, BLOCK_SIZE_MIN, SECTOR_SIZE } from './vdi-limits.ts';
import { malformed, tooLarge, unsupported } from './vdi-refusal.ts';

export const SIGNATURE = 0xbeda_107f;
export const VERSION = 0x0001_0001;
/** Where the fields lie in the file. */
export const FIELD = {
  signature: 64,
  version: 68,
  headerSize: 72,
  type: 76,
  flags: 80,
  tableOffset: 340,
  contentOffset: 344,
  sectorSize: 360,
  virtualSize: 368,
  blockSize: 376,
  blockExtra: 380,
  blockCount: 384,
  storedCount: 388,
  id: 392,
  changeId: 408,
  parentId: 424,
  parentChangeId: 440,
  /** Of the geometry that later programs added. */
  addedSectorSize: 468,
} as const;
/** The header's size does not count what stands before it. */
const HEADER_START = 72;
/** Up to the parent's identifiers; later programs added a geometry. */
const HEADER_SIZE_MIN = 384;
export const HEADER_SIZE_USUAL = 400;
export const TYPES = { dynamic: 1, static: 2, undo: 3, differencing: 4 } as const;
export type DiskType = keyof typeof TYPES;

/** The checked header. Identifiers are 32 hexadecimal digits in the order of the file. */
export interface Header {
  readonly type: Exclude<DiskType, 'undo'>;
  readonly virtualSize: number;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly storedCount: number;
  readonly tableOffset: number;
  readonly contentOffset: number;
  readonly id: string;
  readonly changeId: string;
  readonly parentId: string;
  readonly parentChangeId: string;
}

export const NO_ID = '0'.repeat(32);

export const hasSignature = (head: Uint8Array): boolean =>
  head.length >= HEADER_START && new DataView(head.buffer, head.byteOffset).getUint32(FIELD.signature, true) === SIGNATURE;

/** Reads the header and checks every field before it is used; the table is checked as it is read. */
export function readHeader(file: ByteFile, virtualSizeMax: number): Header {
  const { path, size } = file;
  const bytes = Buffer.alloc(HEADER_START + HEADER_SIZE_MIN);
  if (size < bytes.length) throw malformed(`the file has ${size} bytes, fewer than its header`, { path });
  file.read(0, bytes);
  if (!hasSignature(bytes))
    throw refuse('image/format-mismatch', 'it does not carry the VDI signature', { format: 'vdi', path, offset: FIELD.signature });
  const version = bytes.readUInt32LE(FIELD.version);
  if (version >>> 16 !== VERSION >>> 16 || version < VERSION)
    throw unsupported(`version ${version >>> 16}.${version & 0xffff} is not known, only 1.1 is`, { path, offset: FIELD.version });
  const sectorSize = bytes.readUInt32LE(FIELD.sectorSize);
  if (sectorSize !== SECTOR_SIZE)
    throw unsupported(`sectors of ${sectorSize} bytes are not known, only ${SECTOR_SIZE} are`, { path, offset: FIELD.sectorSize });
  const blockSize = checkedBlockSize(bytes, path);
  const virtualSize = checkedSize(bytes, path, virtualSizeMax);
  const header: Header = {
    type: checkedType(bytes, path),
    virtualSize,
    blockSize,
    blockCount: checkedCount(bytes, path, Math.ceil(virtualSize / blockSize)),
    storedCount: bytes.readUInt32LE(FIELD.storedCount),
    tableOffset: bytes.readUInt32LE(FIELD.tableOffset),
    contentOffset: bytes.readUInt32LE(FIELD.contentOffset),
    id: bytes.toString('hex', FIELD.id, FIELD.id + 16),
    changeId: bytes.toString('hex', FIELD.changeId, FIELD.changeId + 16),
    parentId: bytes.toString('hex', FIELD.parentId, FIELD.parentId + 16),
    parentChangeId: bytes.toString('hex', FIELD.parentChangeId, FIELD.parentChangeId + 16),
  };
  requirePlaces(header, file, bytes.readUInt32LE(FIELD.headerSize));
  if (header.type !== 'differencing' && header.parentId !== NO_ID)
    throw malformed('it names a parent, but its type is not that of a differencing disk', { path, offset: FIELD.parentId });
  return header;
}

function checkedType(bytes: Buffer, path: string): Header['type'] {
  const field = bytes.readUInt32LE(FIELD.type);
  if (field === TYPES.dynamic) return 'dynamic';
  if (field === TYPES.static) return 'static';
  if (field === TYPES.differencing) return 'differencing';
  const at = { path, offset: FIELD.type };
  throw field === TYPES.undo ? unsupported('it is an undo image', at) : malformed(`image type ${field} is not known`, at);
}

function checkedBlockSize(bytes: Buffer, path: string): number {
  const blockSize = bytes.readUInt32LE(FIELD.blockSize);
  const at = { path, offset: FIELD.blockSize };
  if (blockSize === 0 || (blockSize & (blockSize - 1)) !== 0) throw malformed(`a block of ${blockSize} bytes is not a power of two`, at);
  if (blockSize < BLOCK_SIZE_MIN || blockSize > BLOCK_SIZE_MAX)
    throw unsupported(`a block of ${blockSize} bytes is not between ${BLOCK_SIZE_MIN} and ${BLOCK_SIZE_MAX}`, at);
  const extra = bytes.readUInt32LE(FIELD.blockExtra);
  if (extra !== 0) throw unsupported(`its blocks have ${extra} bytes in front of their content`, { path, offset: FIELD.blockExtra });
  return blockSize;
}

function checkedSize(bytes: Buffer, path: string, max: number): number {
  const field = bytes.readBigUInt64LE(FIELD.virtualSize);
  const size = toByteCount(field);
  const at = { path, offset: FIELD.virtualSize };
  if (size === undefined || size > max) throw tooLarge(`a disk of ${field} bytes is above the limit of ${max}`, at);
  if (size === 0) throw malformed('its disk has no bytes', at);
  return size;
}

function checkedCount(bytes: Buffer, path: string, needed: number): number {
  const count = bytes.readUInt32LE(FIELD.blockCount);
  const at = { path, offset: FIELD.blockCount };
  if (count < needed) throw malformed(`a table of ${count} blocks does not cover the disk, which needs ${needed}`, at);
  if (count > BLOCK_COUNT_MAX) throw tooLarge(`a table of ${count} blocks is over the limit of ${BLOCK_COUNT_MAX}`, at);
  return count;
}

/** Header, table and content follow each other, inside the file. */
function requirePlaces({ tableOffset, contentOffset, blockCount, storedCount }: Header, { path, size }: ByteFile, headerSize: number): void {
  if (headerSize < HEADER_SIZE_MIN)
    throw malformed(`a header of ${headerSize} bytes is shorter than version 1.1 needs`, { path, offset: FIELD.headerSize });
  if (tableOffset < HEADER_START + headerSize) throw malformed('the block table overlaps the header', { path, offset: FIELD.tableOffset });
  if (tableOffset + blockCount * 4 > size)
    throw malformed(`the block table ends at byte ${tableOffset + blockCount * 4}, past the end of the file at ${size}`, {
      path,
      offset: FIELD.tableOffset,
    });
  if (contentOffset < tableOffset + blockCount * 4)
    throw malformed('the content begins inside the block table', { path, offset: FIELD.contentOffset });
  if (contentOffset % SECTOR_SIZE !== 0)
    throw malformed(`the content begins at byte ${contentOffset}, which is not aligned to a sector`, { path, offset: FIELD.contentOffset });
  if (storedCount > blockCount) throw malformed(`${storedCount} blocks are said to be stored, of ${blockCount}`, { path, offset: FIELD.storedCount });
}

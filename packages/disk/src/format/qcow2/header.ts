// QEMU docs/interop/qcow2, "Header". All fields are big-endian.
import { MIB, TIB } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { toByteCount } from '../../file/safe-number.ts';
import { refuse } from '../refusal.ts';
import { malformed } from './malformed.ts';

export const MAGIC = 0x51_46_49_fb; // "QFI\xfb"
export const HEADER_SIZE_V2 = 72;
const HEADER_SIZE_V3 = 104;
/** Version 3 with the compression type field. */
export const HEADER_SIZE_COMPRESSION = 112;
export const CLUSTER_BITS_MIN = 9;
/** The format sets no upper limit; 2 MiB is the largest cluster that QEMU opens. */
export const CLUSTER_BITS_MAX = 21;
/** Below this an extended entry's 32 sub-clusters would be smaller than a sector. */
export const EXTENDED_L2_BITS_MIN = 14;
/** QEMU opens no larger L1 table. */
export const L1_SIZE_MAX = 32 * MIB;
/** QEMU opens no larger refcount table. */
export const REFCOUNT_TABLE_SIZE_MAX = 8 * MIB;
/** QEMU opens no more internal snapshots. */
const SNAPSHOT_COUNT_MAX = 65536;
/** Without its variable parts. */
const SNAPSHOT_ENTRY_SIZE_MIN = 40;
/** Nothing that we copy is larger; a caller may set another limit. */
export const VIRTUAL_SIZE_MAX = 64 * TIB;
const BACKING_NAME_LENGTH_MAX = 1023;

export const FEATURE = { dirty: 0, corrupt: 1, dataFile: 2, compressionType: 3, extendedL2: 4 } as const;
export const COMPRESSION_TYPES = ['zlib', 'zstd'] as const;

/** The checked header. Offsets and sizes are bytes in the image file. */
export interface Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterSize: number;
  readonly virtualSize: number;
  readonly backingName?: { readonly offset: number; readonly length: number };
  readonly encryption: number;
  readonly l1: { readonly offset: number; readonly count: number };
  readonly refcountTable: { readonly offset: number; readonly size: number };
  readonly refcountBits: number;
  readonly snapshots: { readonly offset: number; readonly count: number };
  /** Numbers of the incompatible feature bits that are set. */
  readonly features: readonly number[];
  readonly lazyRefcounts: boolean;
  readonly compressionType: number;
  readonly headerLength: number;
}

export interface HeaderLimits {
  readonly virtualSizeMax?: number | undefined;
}

/** Reads the fixed header and checks every field that can be checked alone; tables are checked against each other by `inspectTables`. */
export function parseHeader(file: ByteFile, limits: HeaderLimits): Header {
  const { path } = file;
  if (file.size < HEADER_SIZE_V2) throw malformed(path, `the file has ${file.size} bytes, fewer than its header`);
  const view = new DataView(new ArrayBuffer(HEADER_SIZE_COMPRESSION));
  file.read(0, new Uint8Array(view.buffer, 0, Math.min(file.size, HEADER_SIZE_COMPRESSION)));
  if (view.getUint32(0) !== MAGIC)
    throw refuse('image/format-mismatch', 'it does not begin with the qcow2 signature', { format: 'qcow2', path, offset: 0 });
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3)
    throw refuse('image/unsupported', `version ${version} is not known, only 2 and 3 are`, { format: 'qcow2', path, offset: 4 });

  const clusterBits = view.getUint32(20);
  if (clusterBits < CLUSTER_BITS_MIN || clusterBits > CLUSTER_BITS_MAX) {
    throw malformed(path, `clusters of 2^${clusterBits} bytes are outside ${CLUSTER_BITS_MIN} to ${CLUSTER_BITS_MAX} bits`, 20);
  }
  const backingName = parseBackingName(view, path, 2 ** clusterBits);
  const fields = version === 2 ? VERSION_2_FIELDS : parseVersion3(view, file, 2 ** clusterBits);
  if (backingName && backingName.offset < fields.headerLength) throw malformed(path, 'the backing file name lies inside the header', 8);
  return {
    version,
    clusterBits,
    clusterSize: 2 ** clusterBits,
    virtualSize: parseVirtualSize(view, path, limits.virtualSizeMax ?? VIRTUAL_SIZE_MAX),
    ...(backingName ? { backingName } : {}),
    encryption: view.getUint32(32),
    l1: { offset: tableOffset(view, 40, path), count: parseL1Count(view, path) },
    refcountTable: { offset: tableOffset(view, 48, path), size: parseRefcountTableSize(view, path, 2 ** clusterBits) },
    snapshots: { offset: tableOffset(view, 64, path), count: parseSnapshotCount(view, path) },
    ...fields,
  };
}

type Version3Fields = Pick<Header, 'features' | 'lazyRefcounts' | 'compressionType' | 'headerLength' | 'refcountBits'>;

const VERSION_2_FIELDS: Version3Fields = { features: [], lazyRefcounts: false, compressionType: 0, headerLength: HEADER_SIZE_V2, refcountBits: 16 };

function parseVersion3(view: DataView, file: ByteFile, clusterSize: number): Version3Fields {
  const { path } = file;
  if (file.size < HEADER_SIZE_V3) throw malformed(path, `the file has ${file.size} bytes, fewer than a version 3 header`);
  const headerLength = view.getUint32(100);
  if (headerLength < HEADER_SIZE_V3) throw malformed(path, `a header length of ${headerLength} is less than version 3 needs`, 100);
  if (headerLength % 8 !== 0) throw malformed(path, `a header length of ${headerLength} is not a multiple of 8`, 100);
  if (headerLength > clusterSize || headerLength > file.size)
    throw malformed(path, `a header length of ${headerLength} is more than the first cluster holds`, 100);
  const refcountOrder = view.getUint32(96);
  if (refcountOrder > 6) throw malformed(path, `a refcount order of ${refcountOrder} is above 6`, 96);
  const features = setBits(view.getBigUint64(72));
  const compressionType = headerLength > HEADER_SIZE_V3 ? view.getUint8(104) : 0;
  return { features, lazyRefcounts: view.getBigUint64(80) % 2n === 1n, compressionType, headerLength, refcountBits: 2 ** refcountOrder };
}

function setBits(mask: bigint): number[] {
  return Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (mask >> BigInt(bit)) % 2n === 1n);
}

function parseVirtualSize(view: DataView, path: string, max: number): number {
  const field = view.getBigUint64(24);
  const size = toByteCount(field);
  if (size === undefined || size > max)
    throw refuse('image/too-large', `a disk of ${field} bytes is above the limit of ${max}`, { format: 'qcow2', path, offset: 24 });
  return size;
}

function parseBackingName(view: DataView, path: string, clusterSize: number): Header['backingName'] {
  const field = view.getBigUint64(8);
  if (field === 0n) return undefined;
  const length = view.getUint32(16);
  if (length === 0) throw malformed(path, 'it has a backing file whose name is empty', 16);
  if (length > BACKING_NAME_LENGTH_MAX) throw malformed(path, `a backing file name of ${length} bytes is longer than ${BACKING_NAME_LENGTH_MAX}`, 16);
  if (field + BigInt(length) > BigInt(clusterSize)) throw malformed(path, 'the backing file name lies outside the first cluster', 8);
  return { offset: Number(field), length };
}

function parseL1Count(view: DataView, path: string): number {
  const count = view.getUint32(36);
  if (count * 8 > L1_SIZE_MAX) throw malformed(path, `an L1 table of ${count} entries is larger than ${L1_SIZE_MAX} bytes`, 36);
  return count;
}

function parseRefcountTableSize(view: DataView, path: string, clusterSize: number): number {
  const clusters = view.getUint32(56);
  if (clusters === 0) throw malformed(path, 'it has no refcount table', 56);
  if (clusters * clusterSize > REFCOUNT_TABLE_SIZE_MAX)
    throw malformed(path, `a refcount table of ${clusters} clusters is larger than ${REFCOUNT_TABLE_SIZE_MAX} bytes`, 56);
  return clusters * clusterSize;
}

function parseSnapshotCount(view: DataView, path: string): number {
  const count = view.getUint32(60);
  if (count > SNAPSHOT_COUNT_MAX) throw malformed(path, `${count} internal snapshots are more than ${SNAPSHOT_COUNT_MAX}`, 60);
  return count;
}

function tableOffset(view: DataView, at: number, path: string): number {
  const offset = toByteCount(view.getBigUint64(at));
  if (offset === undefined) throw malformed(path, 'a table offset is larger than any file', at);
  return offset;
}

export const snapshotTableSizeMin = (header: Header): number => header.snapshots.count * SNAPSHOT_ENTRY_SIZE_MIN;

export const hasFeature = (header: Header, feature: keyof typeof FEATURE): boolean => header.features.includes(FEATURE[feature]);

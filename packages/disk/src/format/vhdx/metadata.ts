// MS-VHDX 2.6.2 "Known Metadata Items". All fields are little-endian.
import { formatBytes, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { readGuid, type Guid } from './guid.ts';
import { readMetadataTable, type MetadataItem, type MetadataPlaces } from './metadata-table.ts';
import { BLOCK_SIZE_MAX, BLOCK_SIZE_MIN, SECTOR_SIZES, VIRTUAL_SIZE_MAX } from './vhdx-limits.ts';
import { malformed, tooLarge, unsupported, type FilePlace } from './vhdx-refusal.ts';

/** What the metadata says of the disk. */
export interface Metadata {
  readonly virtualSize: number;
  readonly blockSize: number;
  /** Whether blocks stay allocated when they are trimmed: a disk of fixed size. */
  readonly keepsBlocks: boolean;
  readonly sectorSize: number;
  readonly physicalSectorSize: number;
  readonly diskId: Guid;
  /** Where the parent locator lies, when the disk is a differencing one. */
  readonly parentLocator: ByteRange | undefined;
}

/** What the flags of the file parameters mean (MS-VHDX 2.6.2.1). */
export const FILE_PARAMETER = { keepsBlocks: 1, hasParent: 2 } as const;
const FLAGS_KNOWN = FILE_PARAMETER.keepsBlocks | FILE_PARAMETER.hasParent;

export function readMetadata(file: ByteFile, region: ByteRange, o: { readonly virtualSizeMax: number | undefined }): Metadata {
  const places = readMetadataTable(file, region);
  const item = (name: MetadataItem, length: number): { readonly bytes: Buffer; readonly at: FilePlace } =>
    readItem(file, places, { name, length, region });
  const parameters = item('fileParameters', 8);
  const size = item('virtualDiskSize', 8);
  const sector = item('logicalSectorSize', 4);
  const physical = item('physicalSectorSize', 4);

  const blockSize = parseBlockSize(parameters.bytes.readUInt32LE(), parameters.at);
  const flags = parameters.bytes.readUInt32LE(4);
  if ((flags & ~FLAGS_KNOWN) !== 0) throw unsupported(`its file parameters have flags that are not known, 0x${flags.toString(16)}`, parameters.at);
  const sectorSize = parseSectorSize(sector.bytes.readUInt32LE(), { what: 'logical', at: sector.at });
  const hasParent = (flags & FILE_PARAMETER.hasParent) !== 0;
  if (hasParent && !places.parentLocator) throw malformed('it is a differencing disk, but says nothing of its parent', parameters.at);
  return {
    virtualSize: parseSize(size.bytes.readBigUInt64LE(), { ...size, sectorSize, sizeMax: o.virtualSizeMax ?? VIRTUAL_SIZE_MAX }),
    blockSize,
    keepsBlocks: (flags & FILE_PARAMETER.keepsBlocks) !== 0,
    sectorSize,
    physicalSectorSize: parseSectorSize(physical.bytes.readUInt32LE(), { what: 'physical', at: physical.at }),
    diskId: readGuid(item('virtualDiskId', 16).bytes, 0),
    parentLocator: hasParent ? places.parentLocator : undefined,
  };
}

function readItem(
  file: ByteFile,
  places: MetadataPlaces,
  wanted: { readonly name: MetadataItem; readonly length: number; readonly region: ByteRange },
): { readonly bytes: Buffer; readonly at: FilePlace } {
  const { name, length, region } = wanted;
  const place = places[name];
  if (!place) throw malformed(`its metadata lacks the item ${name}`, { path: file.path, offset: region.offset });
  const at = { path: file.path, offset: place.offset };
  if (place.length !== length) throw malformed(`its metadata item ${name} has ${place.length} bytes instead of ${length}`, at);
  const bytes = Buffer.alloc(length);
  file.read(place.offset, bytes);
  return { bytes, at };
}

function parseBlockSize(size: number, at: FilePlace): number {
  if (size < BLOCK_SIZE_MIN || size > BLOCK_SIZE_MAX || !Number.isInteger(Math.log2(size)))
    throw malformed(`a block of ${size} bytes is not a power of two from ${formatBytes(BLOCK_SIZE_MIN)} to ${formatBytes(BLOCK_SIZE_MAX)}`, at);
  return size;
}

function parseSectorSize(size: number, o: { readonly what: string; readonly at: FilePlace }): number {
  if (!SECTOR_SIZES.includes(size)) throw malformed(`a ${o.what} sector of ${size} bytes is neither 512 nor 4096`, o.at);
  return size;
}

function parseSize(field: bigint, o: { readonly at: FilePlace; readonly sectorSize: number; readonly sizeMax: number }): number {
  if (field > BigInt(o.sizeMax)) throw tooLarge(`a disk of ${formatBytes(Number(field))} is over the limit of ${formatBytes(o.sizeMax)}`, o.at);
  const size = Number(field);
  if (size === 0 || size % o.sectorSize !== 0) throw malformed(`a disk of ${size} bytes is not a whole number of sectors of ${o.sectorSize}`, o.at);
  return size;
}

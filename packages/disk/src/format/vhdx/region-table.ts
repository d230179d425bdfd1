// MS-VHDX 2.2.3 "Region Tables". All fields are little-endian.
import { endOf, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { toByteCount } from '../../file/safe-number.ts';
import { checksumOf, setChecksum, storedChecksum } from './checksum.ts';
import { GUID_SIZE, readGuid, writeGuid, type Guid } from './guid.ts';
import { ALIGNMENT, PLACE_SIZE } from './vhdx-limits.ts';
import { malformed, unsupported, type FilePlace } from './vhdx-refusal.ts';

/** A part of the file that only its owner may use. */
export interface FileArea extends ByteRange {
  readonly what: string;
}

export interface Regions {
  readonly blockTable: ByteRange;
  readonly metadata: ByteRange;
  /** Header section, log and every region, in rising order and apart from each other. */
  readonly areas: readonly FileArea[];
}

export const REGION_TABLE_OFFSETS = [3 * PLACE_SIZE, 4 * PLACE_SIZE] as const;

const SIGNATURE = 'regi';
const ENTRIES_START = 16;
const ENTRY_SIZE = 32;
/** What fits into the table. */
const ENTRIES_MAX = 2047;
const FIELD = { count: 8 } as const;
const ENTRY_FIELD = { offset: GUID_SIZE, length: 24, flags: 28 } as const;
const REQUIRED = 1;
const KNOWN = { blockTable: '2dc27766-f623-4200-9d64-115e9bfd4a08', metadata: '8b7ca206-4790-4b9a-b8fe-575f050f886e' } as const;

/** Finds the regions, and checks that they lie inside the file and apart from each other and from the log. */
export function readRegions(file: ByteFile, log: ByteRange): Regions {
  const { bytes, offset } = readTable(file);
  const entries = parseEntries(bytes, { path: file.path, offset });
  const find = (guid: Guid, what: string): ByteRange => {
    const found = entries.find((entry) => entry.guid === guid);
    if (!found) throw malformed(`its region table names no ${what}`, { path: file.path, offset });
    return { offset: found.offset, length: found.length };
  };
  const regions = { blockTable: find(KNOWN.blockTable, 'block allocation table'), metadata: find(KNOWN.metadata, 'metadata region') };
  const areas: readonly FileArea[] = [
    { offset: 0, length: ALIGNMENT, what: 'header section' },
    { ...log, what: 'log' },
    ...entries.map((entry) => ({ offset: entry.offset, length: entry.length, what: nameOf(entry.guid) })),
  ].toSorted((a, b) => a.offset - b.offset);
  areas.forEach((area, index) => {
    const before = areas[index - 1];
    if (before && endOf(before) > area.offset)
      throw malformed(`its ${area.what} overlaps its ${before.what}`, { path: file.path, offset: area.offset });
    if (endOf(area) > file.size) {
      throw malformed(`its ${area.what} is said to lie at bytes ${area.offset} to ${endOf(area)}, but the file ends at ${file.size}`, {
        path: file.path,
        offset,
      });
    }
  });
  return { ...regions, areas };
}

function nameOf(guid: Guid): string {
  if (guid === KNOWN.blockTable) return 'block allocation table';
  return guid === KNOWN.metadata ? 'metadata region' : `region ${guid}`;
}

interface TableCopy {
  readonly bytes: Buffer;
  readonly offset: number;
}

/** One of the two copies is enough, but when both are sound they must say the same, or two programs would see two disks. */
function readTable(file: ByteFile): TableCopy {
  const [first, second] = REGION_TABLE_OFFSETS.flatMap((offset): TableCopy | [] => {
    if (offset + PLACE_SIZE > file.size) return [];
    const bytes = Buffer.alloc(PLACE_SIZE);
    file.read(offset, bytes);
    const isSound = bytes.toString('latin1', 0, SIGNATURE.length) === SIGNATURE && storedChecksum(bytes) === checksumOf(bytes);
    return isSound ? { bytes, offset } : [];
  });
  if (!first) throw malformed('neither of its two region tables is sound', { path: file.path, offset: REGION_TABLE_OFFSETS[0] });
  if (second && Buffer.compare(first.bytes, second.bytes) !== 0)
    throw malformed('its two region tables contradict each other', { path: file.path, offset: second.offset });
  return first;
}

interface RegionEntry extends ByteRange {
  readonly guid: Guid;
}

function parseEntries(bytes: Buffer, at: Required<FilePlace>): readonly RegionEntry[] {
  const count = bytes.readUInt32LE(FIELD.count);
  if (count > ENTRIES_MAX)
    throw malformed(`its region table says it has ${count} entries, and ${ENTRIES_MAX} fit`, { path: at.path, offset: at.offset + FIELD.count });
  const seen = new Set<Guid>();
  return Array.from({ length: count }, (_, index) => {
    const start = ENTRIES_START + index * ENTRY_SIZE;
    const place = { path: at.path, offset: at.offset + start };
    const guid = readGuid(bytes, start);
    const offset = toByteCount(bytes.readBigUInt64LE(start + ENTRY_FIELD.offset)) ?? Infinity;
    const length = bytes.readUInt32LE(start + ENTRY_FIELD.length);
    const isKnown = guid === KNOWN.blockTable || guid === KNOWN.metadata;
    if (!isKnown && (bytes.readUInt32LE(start + ENTRY_FIELD.flags) & REQUIRED) !== 0)
      throw unsupported(`it has a region ${guid} that is not known, yet must be understood`, place);
    if (seen.has(guid)) throw malformed(`its region table names the ${nameOf(guid)} twice`, place);
    seen.add(guid);
    if (offset < ALIGNMENT || length === 0 || !(offset % ALIGNMENT === 0) || length % ALIGNMENT !== 0)
      throw malformed(
        `its ${nameOf(guid)} is said to take ${length} bytes from byte ${offset} on, which are not whole MiB behind the header section`,
        place,
      );
    return { guid, offset, length };
  });
}

export function encodeRegionTable(regions: Pick<Regions, 'blockTable' | 'metadata'>): Uint8Array {
  const bytes = Buffer.alloc(PLACE_SIZE);
  const entries = [
    { guid: KNOWN.blockTable, ...regions.blockTable },
    { guid: KNOWN.metadata, ...regions.metadata },
  ];
  bytes.write(SIGNATURE, 0, 'latin1');
  bytes.writeUInt32LE(entries.length, FIELD.count);
  entries.forEach(({ guid, offset, length }, index) => {
    const start = ENTRIES_START + index * ENTRY_SIZE;
    writeGuid(bytes, start, guid);
    bytes.writeBigUInt64LE(BigInt(offset), start + ENTRY_FIELD.offset);
    bytes.writeUInt32LE(length, start + ENTRY_FIELD.length);
    bytes.writeUInt32LE(REQUIRED, start + ENTRY_FIELD.flags);
  });
  setChecksum(bytes);
  return bytes;
}

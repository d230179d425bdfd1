// MS-VHDX 2.6.1 "Metadata Table". All fields are little-endian.
import type { ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { GUID_SIZE, readGuid, writeGuid, type Guid } from './guid.ts';
import { PLACE_SIZE } from './vhdx-limits.ts';
import { malformed, unsupported, type FilePlace } from './vhdx-refusal.ts';

/** The items that the specification defines (2.6.2 "Known Metadata Items"). */
const METADATA_ITEMS = {
  fileParameters: 'caa16737-fa36-4d43-b3b6-33f0aa44e76b',
  virtualDiskSize: '2fa54224-cd1b-4876-b211-5dbed83bf4b8',
  virtualDiskId: 'beca12ab-b2e6-4523-93ef-c309e000c746',
  logicalSectorSize: '8141bf1d-a96f-4709-ba47-f233a8faab5f',
  physicalSectorSize: 'cda348c7-445d-4471-9cc9-e9885251c556',
  parentLocator: 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c',
} as const;
export type MetadataItem = keyof typeof METADATA_ITEMS;

/** Items and where their content lies in the file. */
export type MetadataPlaces = Partial<Readonly<Record<MetadataItem, ByteRange>>>;

const SIGNATURE = 'metadata';
const COUNT_FIELD = 10;
const ENTRIES_START = 32;
const ENTRY_SIZE = 32;
/** What fits into the table. */
const ENTRIES_MAX = 2047;
/** The specification's own limit for one item. */
const ITEM_SIZE_MAX = 1024 * 1024;
const ENTRY_FIELD = { offset: GUID_SIZE, length: 20, flags: 24 } as const;
const FLAG = { user: 1, virtualDisk: 2, required: 4 } as const;

const NAMES: ReadonlyMap<Guid, MetadataItem> = new Map([
  [METADATA_ITEMS.fileParameters, 'fileParameters'],
  [METADATA_ITEMS.virtualDiskSize, 'virtualDiskSize'],
  [METADATA_ITEMS.virtualDiskId, 'virtualDiskId'],
  [METADATA_ITEMS.logicalSectorSize, 'logicalSectorSize'],
  [METADATA_ITEMS.physicalSectorSize, 'physicalSectorSize'],
  [METADATA_ITEMS.parentLocator, 'parentLocator'],
]);

/** Finds the known items; one that is unknown and must be understood is refused. */
export function readMetadataTable(file: ByteFile, region: ByteRange): MetadataPlaces {
  const at: Required<FilePlace> = { path: file.path, offset: region.offset };
  const bytes = Buffer.alloc(PLACE_SIZE);
  file.read(region.offset, bytes);
  if (bytes.toString('latin1', 0, SIGNATURE.length) !== SIGNATURE) throw malformed('the signature of its metadata table is missing', at);
  const count = bytes.readUInt16LE(COUNT_FIELD);
  if (count > ENTRIES_MAX)
    throw malformed(`its metadata table says it has ${count} entries, and ${ENTRIES_MAX} fit`, { ...at, offset: at.offset + COUNT_FIELD });

  const entries = Array.from({ length: count }, (_, index) => parseEntry(bytes, index, { at, regionLength: region.length }));
  refuseSharedBytes(entries, at);
  const places: { -readonly [Item in MetadataItem]?: ByteRange } = {};
  for (const { guid, isUser, offset, length, place } of entries) {
    const name = isUser ? undefined : NAMES.get(guid);
    if (!name) continue;
    if (places[name]) throw malformed(`its metadata table names the item ${name} twice`, place);
    places[name] = { offset: region.offset + offset, length };
  }
  return places;
}

interface MetadataEntry extends ByteRange {
  readonly guid: Guid;
  readonly isUser: boolean;
  readonly place: Required<FilePlace>;
}

function parseEntry(bytes: Buffer, index: number, o: { readonly at: Required<FilePlace>; readonly regionLength: number }): MetadataEntry {
  const start = ENTRIES_START + index * ENTRY_SIZE;
  const place = { path: o.at.path, offset: o.at.offset + start };
  const guid = readGuid(bytes, start);
  const offset = bytes.readUInt32LE(start + ENTRY_FIELD.offset);
  const length = bytes.readUInt32LE(start + ENTRY_FIELD.length);
  const flags = bytes.readUInt32LE(start + ENTRY_FIELD.flags);
  const isUser = (flags & FLAG.user) !== 0;
  if ((flags & FLAG.required) !== 0 && (isUser || !NAMES.has(guid)))
    throw unsupported(`it has a metadata item ${guid} that is not known, yet must be understood`, place);
  if (length > ITEM_SIZE_MAX || (length > 0 && (offset < PLACE_SIZE || offset + length > o.regionLength)))
    throw malformed(`the metadata item ${NAMES.get(guid) ?? guid} is said to take ${length} bytes from byte ${offset} of its region on`, place);
  return { guid, isUser, offset, length, place };
}

function refuseSharedBytes(entries: readonly MetadataEntry[], at: FilePlace): void {
  const placed = entries.filter(({ length }) => length > 0).toSorted((a, b) => a.offset - b.offset);
  placed.forEach((entry, index) => {
    const before = placed[index - 1];
    if (before && before.offset + before.length > entry.offset)
      throw malformed('two of its metadata items share bytes', { ...at, offset: entry.place.offset });
  });
}

/** A table of system items, all of them required, one behind the other from `PLACE_SIZE` on. */
export function encodeMetadata(items: Partial<Readonly<Record<MetadataItem, Uint8Array>>>): Uint8Array {
  const all = [...NAMES].flatMap(([guid, name]) => {
    const content = items[name];
    return content ? [{ guid, content, flags: FLAG.required | (isOfDisk(name) ? FLAG.virtualDisk : 0) }] : [];
  });
  const bytes = Buffer.alloc(PLACE_SIZE + all.reduce((sum, { content }) => sum + content.length, 0));
  bytes.write(SIGNATURE, 0, 'latin1');
  bytes.writeUInt16LE(all.length, COUNT_FIELD);
  let end = PLACE_SIZE;
  all.forEach(({ guid, content, flags }, index) => {
    const start = ENTRIES_START + index * ENTRY_SIZE;
    writeGuid(bytes, start, guid);
    bytes.writeUInt32LE(end, start + ENTRY_FIELD.offset);
    bytes.writeUInt32LE(content.length, start + ENTRY_FIELD.length);
    bytes.writeUInt32LE(flags, start + ENTRY_FIELD.flags);
    bytes.set(content, end);
    end += content.length;
  });
  return bytes;
}

/** File parameters and parent locator describe the file, the other items the disk (MS-VHDX 2.6.2). */
const isOfDisk = (item: MetadataItem): boolean => item !== 'fileParameters' && item !== 'parentLocator';

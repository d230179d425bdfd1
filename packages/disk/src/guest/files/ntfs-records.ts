// "NTFS Documentation" of the Linux-NTFS project: "File Record", "Attributes", "Data Runs", "Fixup". All fields are little-endian.
import { damaged, notRead } from '../damaged.ts';
import { Fields } from '../fields.ts';
import { mappedSpan, partOf, type Span } from '../span.ts';
import { lastBegun } from './last-begun.ts';

export interface NtfsGeometry {
  readonly sectorSize: number;
  readonly clusterSize: number;
  /** Where the table of file records begins. */
  readonly tableOffset: number;
  readonly recordSize: number;
  readonly indexSize: number;
}

export interface NtfsAttribute {
  readonly type: number;
  readonly name: string;
  /** The value, when it lies in the record. */
  readonly value?: Fields;
  /** Otherwise the runs of it that this attribute knows, from `firstCluster` on. */
  readonly stored?: { readonly firstCluster: number; readonly runs: readonly ClusterRun[]; readonly size: number };
}

export interface NtfsRecord {
  readonly isFolder: boolean;
  readonly isInUse: boolean;
  readonly sequence: number;
  readonly attributes: readonly NtfsAttribute[];
}

/** Clusters that lie one after another; without `first` they were never stored. */
interface ClusterRun {
  readonly first: number | undefined;
  readonly count: number;
}

export interface NtfsRecords {
  readonly geometry: NtfsGeometry;
  readonly volume: Span;
  read(number: number): NtfsRecord;
}

const MAGIC = 'FILE';
const RECORD = { fixupOffset: 4, fixupCount: 6, sequence: 16, attributes: 20, flags: 22 } as const;
const FLAG = { inUse: 1, folder: 2 } as const;
const ATTRIBUTE = { length: 4, isStored: 8, nameLength: 9, nameOffset: 10, flags: 12, valueSize: 16, valueOffset: 20 } as const;
const STORED = { firstCluster: 16, runs: 32, size: 48 } as const;
const COMPRESSED_OR_ENCRYPTED = 0x40ff;
const ATTRIBUTES_END = 0xffff_ffff;
/** A record of 64 KiB has no room for more. */
const ATTRIBUTES_MAX = 1024;
const RUNS_MAX = 20_000;
export const DATA = 0x80;
/** Fixups protect pieces of this size, whatever the sector. */
const FIXUP_SIZE = 512;

/** Opens the table of records, whose own first record says where the rest of it lies. */
export function openRecords(volume: Span, geometry: NtfsGeometry): NtfsRecords {
  const { recordSize } = geometry;
  const first = parseRecord(volume.read({ offset: geometry.tableOffset, length: recordSize }, 'NTFS file table'));
  const stored = attributeOf(first, DATA)?.stored;
  if (!stored) throw damaged('the NTFS file table does not say where it lies');
  const table = storedSpan(volume, geometry, [stored]);
  return {
    geometry,
    volume,
    read: (number) => parseRecord(table.read({ offset: number * recordSize, length: recordSize }, 'NTFS file record')),
  };
}

export const attributeOf = (record: NtfsRecord, type: number, name = ''): NtfsAttribute | undefined =>
  record.attributes.find((attribute) => attribute.type === type && attribute.name === name);

type Stored = NonNullable<NtfsAttribute['stored']>;

/** The content of a stored attribute, whose pieces come in order. */
function storedSpan(volume: Span, { clusterSize }: NtfsGeometry, pieces: readonly Stored[]): Span {
  const runs = pieces.flatMap((piece) => piece.runs);
  if (runs.length > RUNS_MAX) throw damaged('an NTFS file lies in more pieces than are looked at');
  const size = pieces[0]?.size ?? 0;
  const starts: number[] = [];
  let end = 0;
  for (const { count } of runs) {
    starts.push(end);
    end += count;
  }
  return mappedSpan(size, (offset) => {
    const inCluster = offset % clusterSize;
    const cluster = (offset - inCluster) / clusterSize;
    const index = lastBegun(starts, cluster);
    const run = runs[index];
    const into = cluster - (starts[index] ?? 0);
    if (!run || into >= run.count) throw damaged('an NTFS file is longer than its runs');
    const length = (run.count - into) * clusterSize - inCluster;
    return { length, from: run.first === undefined ? undefined : { span: volume, offset: (run.first + into) * clusterSize + inCluster } };
  });
}

function parseRecord(raw: Fields): NtfsRecord {
  if (!raw.has(0, MAGIC)) throw damaged('an NTFS file record has no magic number');
  const record = applyFixups(raw);
  const flags = record.u16(RECORD.flags);
  const attributes: NtfsAttribute[] = [];
  for (let at = record.u16(RECORD.attributes); record.u32(at) !== ATTRIBUTES_END;) {
    const length = record.u32(at + ATTRIBUTE.length);
    if (length < ATTRIBUTE.valueSize || length % 8 !== 0 || attributes.length >= ATTRIBUTES_MAX)
      throw damaged('an NTFS attribute has an impossible length');
    attributes.push(parseAttribute(record.part(at, length)));
    at += length;
  }
  return { isInUse: (flags & FLAG.inUse) !== 0, isFolder: (flags & FLAG.folder) !== 0, sequence: record.u16(RECORD.sequence), attributes };
}

/** The last two bytes of every 512 were replaced by a number, so that a torn write shows. The true ones stand in a list. */
export function applyFixups(raw: Fields): Fields {
  const record = new Fields(Buffer.from(raw.bytes), raw.what);
  const list = record.u16(RECORD.fixupOffset);
  const count = record.u16(RECORD.fixupCount);
  if (count !== record.length / FIXUP_SIZE + 1) throw damaged(`the ${raw.what} has an impossible count of fixups`);
  for (let index = 1; index < count; index += 1) {
    const end = index * FIXUP_SIZE - 2;
    if (record.u16(end) !== record.u16(list)) throw damaged(`the ${raw.what} was torn while it was written`);
    record.bytes.writeUInt16LE(record.u16(list + 2 * index), end);
  }
  return record;
}

function parseAttribute(fields: Fields): NtfsAttribute {
  const type = fields.u32(0);
  const name = fields.utf16(fields.u16(ATTRIBUTE.nameOffset), 2 * fields.u8(ATTRIBUTE.nameLength));
  if (fields.u8(ATTRIBUTE.isStored) === 0)
    return { type, name, value: fields.part(fields.u16(ATTRIBUTE.valueOffset), fields.u32(ATTRIBUTE.valueSize)) };
  const firstCluster = fields.u64(STORED.firstCluster);
  if ((fields.u16(ATTRIBUTE.flags) & COMPRESSED_OR_ENCRYPTED) !== 0 && type === DATA && name === '') return { type, name };
  const start = fields.u16(STORED.runs);
  return {
    type,
    name,
    stored: { firstCluster, runs: parseRuns(fields.part(start, fields.length - start)), size: firstCluster === 0 ? fields.u64(STORED.size) : 0 },
  };
}

/** Each run: a byte with the sizes of what follows, its count, and the signed distance from the run before. */
function parseRuns(fields: Fields): readonly ClusterRun[] {
  const runs: ClusterRun[] = [];
  let place = 0;
  for (let at = 0; at < fields.length && fields.u8(at) !== 0;) {
    const countSize = fields.u8(at) & 0xf;
    const distanceSize = fields.u8(at) >> 4;
    if (countSize === 0 || countSize > 6 || distanceSize > 6) throw damaged('a run of an NTFS file has an impossible size');
    const { bytes } = fields.part(at + 1, countSize + distanceSize);
    const count = bytes.readUIntLE(0, countSize);
    if (count === 0) throw damaged('a run of an NTFS file is empty');
    if (distanceSize > 0) place += bytes.readIntLE(countSize, distanceSize);
    if (place < 0) throw damaged('a run of an NTFS file begins before its volume');
    runs.push({ first: distanceSize === 0 ? undefined : place, count });
    at += 1 + countSize + distanceSize;
  }
  return runs;
}

/** The content of an attribute that lies in its record or in clusters. */
export function contentOf(records: NtfsRecords, pieces: readonly NtfsAttribute[]): Span {
  const [first] = pieces;
  if (!first) throw damaged('an NTFS file has no content');
  if (first.value) {
    const { value } = first;
    return partOf(
      { size: value.length, read: (range, what) => new Fields(value.part(range.offset, range.length).bytes, what) },
      { offset: 0, length: value.length },
    );
  }
  const stored = pieces.flatMap((piece) => piece.stored ?? []).toSorted((a, b) => a.firstCluster - b.firstCluster);
  if (stored.length === 0) throw notRead('an NTFS file on the way is compressed or encrypted');
  return storedSpan(records.volume, records.geometry, stored);
}

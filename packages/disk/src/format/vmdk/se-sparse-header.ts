// No document describes SESPARSE extents. The fields are known from images that vSphere 6.5 and later made, so whatever differs from those is refused.
import { formatBytes, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { toByteCount } from '../../file/safe-number.ts';
import { checkAreas, type MetadataArea } from './metadata-areas.ts';
import { SECTOR_SIZE, VIRTUAL_SIZE_MAX } from './vmdk-limits.ts';
import { malformed, tooLarge, unsupported, type FilePlace } from './vmdk-refusal.ts';

/** The constant header of a SESPARSE extent. Sizes and offsets are bytes. */
export interface SeSparseHeader {
  readonly capacity: number;
  readonly directory: ByteRange;
  readonly tables: ByteRange;
  /** Where grain 0 of the file lies. */
  readonly grainsOffset: number;
  /** Where no grain may lie. */
  readonly areas: readonly MetadataArea[];
}

/** The first header, little-endian: eight bytes at the start of the file. */
export const SE_MAGIC = 0xcafebaben;
const VOLATILE_MAGIC = 0xcafecafen;
/** Major version 2, minor version 1. */
const VERSION = 0x2_0000_0001n;
export const SE_GRAIN_SIZE = 4096;
export const SE_TABLE_ENTRIES = 4096;
export const SE_TABLE_SIZE = SE_TABLE_ENTRIES * 8;

/** Every field has 64 bits; from `volatile` on, an offset and a size in sectors. */
const FIELD = {
  version: 8,
  capacity: 16,
  grainSize: 24,
  tableSize: 32,
  flags: 40,
  volatile: 80,
  journalHeader: 96,
  journal: 112,
  directory: 128,
  tables: 144,
  freeBitmap: 160,
  backmap: 176,
  grains: 192,
} as const;
/** Flags and four fields without a known use, and what follows the fields: all zero in every image seen. */
const ZEROS = [
  [FIELD.flags, FIELD.volatile],
  [208, SECTOR_SIZE],
] as const;
const VOLATILE_FIELD = { replayJournal: 24, end: 32 } as const;

export function readSeSparseHeader(file: ByteFile): SeSparseHeader {
  const { path } = file;
  const place = (offset: number): FilePlace => ({ path, offset });
  const bytes = readSector(file, 0);
  const view = new DataView(bytes.buffer);
  if (view.getBigUint64(0, true) !== SE_MAGIC) throw malformed('the magic number of a space-efficient extent is missing', place(0));
  const version = view.getBigUint64(FIELD.version, true);
  if (version !== VERSION) throw unsupported(`version 0x${version.toString(16)} of space-efficient extents is not known`, place(FIELD.version));
  const range = (field: number): ByteRange => ({ offset: toSize(view, field, path), length: toSize(view, field + 8, path) });

  const grainSize = toSize(view, FIELD.grainSize, path);
  if (grainSize !== SE_GRAIN_SIZE) throw unsupported(`a grain of ${grainSize} bytes is not ${SE_GRAIN_SIZE}`, place(FIELD.grainSize));
  const tableSize = toSize(view, FIELD.tableSize, path);
  if (tableSize !== SE_TABLE_SIZE) throw unsupported(`a grain table of ${tableSize} bytes is not ${SE_TABLE_SIZE}`, place(FIELD.tableSize));
  for (const [from, to] of ZEROS) {
    const at = bytes.subarray(from, to).findIndex((byte) => byte !== 0);
    if (at >= 0) throw unsupported('its header has bits that are not known', place(from + at));
  }
  const capacity = toSize(view, FIELD.capacity, path);
  checkCapacityLimits(capacity, place(FIELD.capacity));
  const [directory, tables] = [range(FIELD.directory), range(FIELD.tables)];
  const needed = directoryEntries(capacity) * 8;
  if (directory.length < needed)
    throw malformed(`its grain directory has ${directory.length} bytes, but its capacity needs ${needed}`, place(FIELD.directory));

  const areas = [
    { offset: 0, length: SECTOR_SIZE, what: 'header' },
    { ...range(FIELD.volatile), what: 'volatile header' },
    { ...range(FIELD.journalHeader), what: 'journal header' },
    { ...range(FIELD.journal), what: 'journal' },
    { ...directory, what: 'grain directory' },
    { ...tables, what: 'grain tables' },
    { ...range(FIELD.freeBitmap), what: 'free bitmap' },
    { ...range(FIELD.backmap), what: 'backmap' },
  ].filter(({ length }) => length > 0);
  checkAreas(areas, file);
  checkVolatile(file, toSize(view, FIELD.volatile, path));
  return { capacity, directory: { offset: directory.offset, length: needed }, tables, grainsOffset: toSize(view, FIELD.grains, path), areas };
}

/** Entries that a directory needs, one for each table. */
const directoryEntries = (capacity: number): number => Math.ceil(capacity / (SE_GRAIN_SIZE * SE_TABLE_ENTRIES));

function checkCapacityLimits(capacity: number, at: FilePlace): void {
  if (capacity === 0) throw malformed('its capacity is zero', at);
  if (capacity > VIRTUAL_SIZE_MAX) throw tooLarge(`a capacity of ${formatBytes(capacity)} is over the limit of ${formatBytes(VIRTUAL_SIZE_MAX)}`, at);
}

/** The second header says whether the journal holds changes that the tables do not have yet. */
function checkVolatile(file: ByteFile, offset: number): void {
  const { path } = file;
  const bytes = readSector(file, offset);
  const view = new DataView(bytes.buffer);
  if (view.getBigUint64(0, true) !== VOLATILE_MAGIC) throw malformed('the magic number of its volatile header is missing', { path, offset });
  if (view.getBigUint64(VOLATILE_FIELD.replayJournal, true) !== 0n) {
    throw unsupported('it was not closed: its journal holds changes that only its host can replay', {
      path,
      offset: offset + VOLATILE_FIELD.replayJournal,
    });
  }
  if (bytes.subarray(VOLATILE_FIELD.end).some((byte) => byte !== 0))
    throw unsupported('its volatile header has bits that are not known', { path, offset });
}

function readSector(file: ByteFile, offset: number): Uint8Array<ArrayBuffer> {
  if (offset + SECTOR_SIZE > file.size) throw malformed('it is shorter than its headers', { path: file.path, offset });
  const bytes = new Uint8Array(SECTOR_SIZE);
  file.read(offset, bytes);
  return bytes;
}

function toSize(view: DataView, field: number, path: string): number {
  const sectors = view.getBigUint64(field, true);
  const size = toByteCount(sectors * BigInt(SECTOR_SIZE));
  if (size === undefined) throw malformed(`sector ${sectors} is beyond the end of any file`, { path, offset: field });
  return size;
}

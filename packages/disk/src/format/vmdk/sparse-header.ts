// Virtual Disk Format 5.0, "Hosted Sparse Extents" and "Stream-Optimized Compressed Sparse Extents". All fields are little-endian and packed.
import { formatBytes, type ByteRange } from '@hypersdk/domain';
import { toByteCount } from '../../file/safe-number.ts';
import { DESCRIPTOR_SIZE_MAX, GRAIN_SIZE_MAX, GRAIN_SIZE_MIN, SECTOR_SIZE, TABLE_ENTRIES, VIRTUAL_SIZE_MAX } from './vmdk-limits.ts';
import { malformed, tooLarge, unsupported, type FilePlace } from './vmdk-refusal.ts';

/** Header or footer of a sparse extent. Sizes and offsets are bytes. */
export interface SparseHeader {
  /** Bytes from the start of the file on that nothing else may take. */
  readonly size: number;
  readonly version: number;
  readonly capacity: number;
  readonly grainSize: number;
  /** Entries of a grain table, of 4 bytes each. */
  readonly tableEntries: number;
  /** Empty when the descriptor is a file of its own. */
  readonly descriptor: ByteRange;
  readonly redundantDirectoryOffset: number | undefined;
  /** Undefined when only the footer knows it. */
  readonly directoryOffset: number | undefined;
  /** Where the first grain may begin. */
  readonly overhead: number;
  readonly compressed: boolean;
  readonly markers: boolean;
  /** Whether a table entry of 1 means a grain of zeros. */
  readonly zeroedGrains: boolean;
  readonly uncleanShutdown: boolean;
}

export const SPARSE_MAGIC = 'KDMV';
const VERSION_MAX = 3;
const FIELD = {
  version: 4,
  flags: 8,
  capacity: 12,
  grainSize: 20,
  descriptorOffset: 28,
  descriptorSize: 36,
  tableEntries: 44,
  redundantDirectory: 48,
  directory: 56,
  overhead: 64,
  uncleanShutdown: 72,
  lineEnds: 73,
  compression: 77,
} as const;
const FIELDS_END = 79;
const FLAG = { lineEnds: 0x1, redundantTables: 0x2, zeroedGrains: 0x4, compressed: 0x1_0000, markers: 0x2_0000 } as const;
const FLAGS_KNOWN = Object.values(FLAG).reduce((all, flag) => all + flag, 0);
/** Changed by a transfer that takes the file for text. */
const LINE_ENDS = '\n \r\n';
/** Stands in the directory field when the directory's place is in the footer. */
const DIRECTORY_AT_END = 2n ** 64n - 1n;
const DEFLATE = 1;

/** Checks every field on its own; whether the places lie inside the file is for `toMetadataAreas`. `at.offset` is where the header lies. */
export function parseSparseHeader(bytes: Uint8Array, at: Required<FilePlace>): SparseHeader {
  const place = (field: number): FilePlace => ({ path: at.path, offset: at.offset + field });
  if (bytes.length < SECTOR_SIZE) throw malformed('the header is cut short', at);
  if (latin1(bytes, 0, 4) !== SPARSE_MAGIC) throw malformed('the magic number of a sparse extent is missing', at);
  const view = new DataView(bytes.buffer, bytes.byteOffset, SECTOR_SIZE);

  const version = view.getUint32(FIELD.version, true);
  if (version < 1 || version > VERSION_MAX) throw unsupported(`version ${version} of sparse extents is not known`, place(FIELD.version));
  const flags = parseFlags(view, place);
  if (flags.lineEnds && latin1(bytes, FIELD.lineEnds, LINE_ENDS.length) !== LINE_ENDS) {
    throw malformed('its line ends were changed, as a transfer in text mode does, so no byte of it can be trusted', place(FIELD.lineEnds));
  }
  const tableEntries = view.getUint32(FIELD.tableEntries, true);
  if (tableEntries !== TABLE_ENTRIES)
    throw unsupported(`grain tables have ${tableEntries} entries instead of ${TABLE_ENTRIES}`, place(FIELD.tableEntries));

  const sectors = (field: number): number => {
    const size = toByteCount(view.getBigUint64(field, true) * BigInt(SECTOR_SIZE));
    if (size === undefined) throw malformed(`sector ${view.getBigUint64(field, true)} is beyond the end of any file`, place(field));
    return size;
  };
  const atEnd = view.getBigUint64(FIELD.directory, true) === DIRECTORY_AT_END;
  const header: SparseHeader = {
    size: SECTOR_SIZE,
    version,
    capacity: sectors(FIELD.capacity),
    grainSize: sectors(FIELD.grainSize),
    tableEntries,
    descriptor: { offset: sectors(FIELD.descriptorOffset), length: sectors(FIELD.descriptorSize) },
    redundantDirectoryOffset: flags.redundantTables && !atEnd ? sectors(FIELD.redundantDirectory) : undefined,
    directoryOffset: atEnd ? undefined : sectors(FIELD.directory),
    overhead: sectors(FIELD.overhead),
    compressed: flags.compressed,
    markers: flags.markers,
    zeroedGrains: flags.zeroedGrains,
    uncleanShutdown: bytes[FIELD.uncleanShutdown] !== 0,
  };
  checkSizes(header, place);
  return header;
}

type Flags = Readonly<Record<keyof typeof FLAG, boolean>>;

function parseFlags(view: DataView, place: (field: number) => FilePlace): Flags {
  const bits = view.getUint32(FIELD.flags, true);
  if ((bits & ~FLAGS_KNOWN) !== 0) throw unsupported(`the flags 0x${bits.toString(16)} have bits that are not known`, place(FIELD.flags));
  const has = (flag: number): boolean => (bits & flag) !== 0;
  const flags = {
    lineEnds: has(FLAG.lineEnds),
    redundantTables: has(FLAG.redundantTables),
    zeroedGrains: has(FLAG.zeroedGrains),
    compressed: has(FLAG.compressed),
    markers: has(FLAG.markers),
  };
  const algorithm = view.getUint16(FIELD.compression, true);
  if (algorithm > DEFLATE) throw unsupported(`compression algorithm ${algorithm} is not known`, place(FIELD.compression));
  if (flags.compressed !== (algorithm === DEFLATE))
    throw malformed('the flags and the compression algorithm contradict each other', place(FIELD.compression));
  // Without markers nothing tells how long a compressed grain is; with markers and no compression nothing tells where grains lie.
  if (flags.compressed !== flags.markers) throw unsupported('compressed grains and markers come only together', place(FIELD.flags));
  return flags;
}

function checkSizes(header: SparseHeader, place: (field: number) => FilePlace): void {
  const { capacity, grainSize, descriptor } = header;
  if (capacity === 0) throw malformed('its capacity is zero', place(FIELD.capacity));
  if (capacity > VIRTUAL_SIZE_MAX) {
    throw tooLarge(`a capacity of ${formatBytes(capacity)} is over the limit of ${formatBytes(VIRTUAL_SIZE_MAX)}`, place(FIELD.capacity));
  }
  if (!Number.isInteger(Math.log2(grainSize)))
    throw malformed(`a grain of ${grainSize / SECTOR_SIZE} sectors is not a power of two`, place(FIELD.grainSize));
  if (grainSize < GRAIN_SIZE_MIN || grainSize > GRAIN_SIZE_MAX) {
    throw unsupported(`a grain of ${grainSize} bytes is not between ${GRAIN_SIZE_MIN} and ${GRAIN_SIZE_MAX}`, place(FIELD.grainSize));
  }
  if (descriptor.length > DESCRIPTOR_SIZE_MAX) {
    throw tooLarge(
      `a descriptor of ${formatBytes(descriptor.length)} is over the limit of ${formatBytes(DESCRIPTOR_SIZE_MAX)}`,
      place(FIELD.descriptorSize),
    );
  }
  if (header.directoryOffset === undefined && !header.markers) {
    throw malformed('the grain directory is said to be in a footer, which only stream-optimized extents have', place(FIELD.directory));
  }
}

/** Whether a footer repeats its header in everything but the place of the directory ("Stream-Optimized Compressed Sparse Extents"). */
export function repeatsHeader(footer: Uint8Array, header: Uint8Array): boolean {
  const same = (from: number, to: number): boolean => Buffer.compare(footer.subarray(from, to), header.subarray(from, to)) === 0;
  return same(0, FIELD.directory) && same(FIELD.overhead, FIELDS_END);
}

/** The bytes of a header; writes what `parseSparseHeader` reads. */
export function encodeSparseHeader(header: SparseHeader): Uint8Array {
  const bytes = new Uint8Array(SECTOR_SIZE);
  const view = new DataView(bytes.buffer);
  const sectors = (field: number, size: number): void => view.setBigUint64(field, BigInt(size / SECTOR_SIZE), true);
  const flags =
    FLAG.lineEnds +
    (header.redundantDirectoryOffset === undefined ? 0 : FLAG.redundantTables) +
    (header.zeroedGrains ? FLAG.zeroedGrains : 0) +
    (header.compressed ? FLAG.compressed : 0) +
    (header.markers ? FLAG.markers : 0);
  bytes.set(Buffer.from(SPARSE_MAGIC, 'latin1'), 0);
  view.setUint32(FIELD.version, header.version, true);
  view.setUint32(FIELD.flags, flags, true);
  sectors(FIELD.capacity, header.capacity);
  sectors(FIELD.grainSize, header.grainSize);
  sectors(FIELD.descriptorOffset, header.descriptor.offset);
  sectors(FIELD.descriptorSize, header.descriptor.length);
  view.setUint32(FIELD.tableEntries, header.tableEntries, true);
  sectors(FIELD.redundantDirectory, header.redundantDirectoryOffset ?? 0);
  if (header.directoryOffset === undefined) view.setBigUint64(FIELD.directory, DIRECTORY_AT_END, true);
  else sectors(FIELD.directory, header.directoryOffset);
  sectors(FIELD.overhead, header.overhead);
  bytes[FIELD.uncleanShutdown] = header.uncleanShutdown ? 1 : 0;
  bytes.set(Buffer.from(LINE_ENDS, 'latin1'), FIELD.lineEnds);
  view.setUint16(FIELD.compression, header.compressed ? DEFLATE : 0, true);
  return bytes;
}

const latin1 = (bytes: Uint8Array, offset: number, length: number): string => Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');

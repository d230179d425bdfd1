// Virtual Disk Format 5.0, "ESX Server Sparse Extents". All fields are little-endian and count sectors; every field has 32 bits.
import type { ByteFile } from '../../file/byte-file.ts';
import type { CompleteHeader } from './sparse-ends.ts';
import { GRAIN_SIZE_MAX, SECTOR_SIZE } from './vmdk-limits.ts';
import { malformed, unsupported, type FilePlace } from './vmdk-refusal.ts';

export const COWD_MAGIC = 'COWD';
const COWD_VERSION = 1;
/** The header takes four sectors; the directory may follow. */
const COWD_HEADER_SIZE = 4 * SECTOR_SIZE;
/** A grain table of an ESX extent has always this many entries. */
const COWD_TABLE_ENTRIES = 4096;
const FIELD = { version: 4, flags: 8, capacity: 12, grainSize: 16, directory: 20, directoryEntries: 24, uncleanShutdown: 1648 } as const;
/** Bits 0 and 1, which the specification always sets. */
const FLAGS_KNOWN = 0x3;

/** The header of a VMFSSPARSE extent, in the words of the other sparse extents: it differs in its fields and in the size of its tables. */
export function readCowdHeader(file: ByteFile): CompleteHeader['header'] {
  const { path } = file;
  if (file.size < COWD_HEADER_SIZE) throw malformed('it is shorter than a header', { path });
  const bytes = new Uint8Array(COWD_HEADER_SIZE);
  file.read(0, bytes);
  if (Buffer.from(bytes.subarray(0, COWD_MAGIC.length)).toString('latin1') !== COWD_MAGIC) {
    throw malformed('the magic number of an ESX sparse extent is missing', { path, offset: 0 });
  }
  const view = new DataView(bytes.buffer);
  const place = (offset: number): FilePlace => ({ path, offset });
  const sectors = (field: number): number => view.getUint32(field, true) * SECTOR_SIZE;

  const version = view.getUint32(FIELD.version, true);
  if (version !== COWD_VERSION) throw unsupported(`version ${version} of ESX sparse extents is not known`, place(FIELD.version));
  const flags = view.getUint32(FIELD.flags, true);
  if (flags > FLAGS_KNOWN) throw unsupported(`the flags 0x${flags.toString(16)} have bits that are not known`, place(FIELD.flags));
  const [capacity, grainSize] = [sectors(FIELD.capacity), sectors(FIELD.grainSize)];
  if (capacity === 0) throw malformed('its capacity is zero', place(FIELD.capacity));
  if (!Number.isInteger(Math.log2(grainSize)))
    throw malformed(`a grain of ${grainSize / SECTOR_SIZE} sectors is not a power of two`, place(FIELD.grainSize));
  if (grainSize > GRAIN_SIZE_MAX) throw unsupported(`a grain of ${grainSize} bytes is over ${GRAIN_SIZE_MAX}`, place(FIELD.grainSize));
  const entries = view.getUint32(FIELD.directoryEntries, true);
  const needed = Math.ceil(capacity / (grainSize * COWD_TABLE_ENTRIES));
  if (entries < needed)
    throw malformed(`its grain directory has ${entries} entries, but its capacity needs ${needed}`, place(FIELD.directoryEntries));

  return {
    size: COWD_HEADER_SIZE,
    version,
    capacity,
    grainSize,
    tableEntries: COWD_TABLE_ENTRIES,
    descriptor: { offset: 0, length: 0 },
    redundantDirectoryOffset: undefined,
    directoryOffset: sectors(FIELD.directory),
    overhead: COWD_HEADER_SIZE,
    compressed: false,
    markers: false,
    zeroedGrains: false,
    uncleanShutdown: view.getUint32(FIELD.uncleanShutdown, true) !== 0,
  };
}

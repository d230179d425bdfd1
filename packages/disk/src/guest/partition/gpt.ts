// UEFI Specification 2.10, section 5.3 "GUID Partition Table (GPT) Disk Layout". All fields are little-endian.
import { crc32 } from 'node:zlib';
import type { PartitionEntry } from '@hypersdk/domain';
import { GUID_SIZE, NO_GUID, readGuid } from '../../format/vhdx/guid.ts';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';
import { readIfThere } from '../volume/recognised.ts';
import { guidName } from './partition-types.ts';
import { SECTOR_SIZES, type Partition, type PartitionTable } from './partition-table.ts';

const SIGNATURE = 'EFI PART';
const HEADER = { size: 12, checksum: 16, own: 24, other: 32, id: 56, entries: 72, entryCount: 80, entrySize: 84, entriesChecksum: 88 } as const;
const HEADER_SIZE_MIN = 92;
const ENTRY = { type: 0, id: 16, first: 32, last: 40, attributes: 48, name: 56 } as const;
const ENTRY_SIZE_MIN = 128;
const NAME_SIZE = 72;
/** Every tool makes 128; four times that is room for those who asked for more. */
const ENTRIES_MAX = 512;
const ENTRIES_SIZE_MAX = 512 * 1024;
/** Table 5.7: "Legacy BIOS Bootable". */
const LEGACY_BOOT = 1n << 2n;

/** Reads the table from its first copy, or from its second when the first is broken. Undefined when there is no sign of either. */
export function readGpt(disk: Span): PartitionTable | undefined {
  for (const sectorSize of SECTOR_SIZES) {
    const first = readCopy(disk, { sector: 1, sectorSize });
    if (first === undefined) continue;
    const backup = readCopy(disk, { sector: backupSectorOf(disk, first, sectorSize), sectorSize });
    const problems = backupProblems(first, backup);
    if (first.isSound) return { ...toTable(first, sectorSize), problems };
    if (backup?.isSound) return { ...toTable(backup, sectorSize), problems: [`The primary GPT is broken (${first.why}); the backup was used.`] };
    return { kind: 'gpt', sectorSize, partitions: [], problems: [`Both copies of the GPT are broken (${first.why}).`] };
  }
  return undefined;
}

/** The backup alone, for a disk whose first sectors were overwritten but still say that a GPT follows. */
export function readBackupGpt(disk: Span): PartitionTable | undefined {
  for (const sectorSize of SECTOR_SIZES) {
    const backup = readCopy(disk, { sector: Math.floor(disk.size / sectorSize) - 1, sectorSize });
    if (backup?.isSound) return { ...toTable(backup, sectorSize), problems: ['The primary GPT is gone; the backup was used.'] };
  }
  return undefined;
}

type Copy = { readonly isSound: true; readonly header: Fields; readonly entries: Fields } | { readonly isSound: false; readonly why: string };

/** A sound header knows where its backup is, which on a disk that has grown is not the end. */
function backupSectorOf(disk: Span, first: Copy, sectorSize: number): number {
  const last = Math.floor(disk.size / sectorSize) - 1;
  return first.isSound ? Number(first.header.bigU64(HEADER.other)) : last;
}

function backupProblems(first: Copy, backup: Copy | undefined): readonly string[] {
  if (!first.isSound || backup?.isSound) return [];
  return [backup ? `The backup GPT is broken (${backup.why}).` : 'The backup GPT is missing; the disk may have been cut short.'];
}

function readCopy(disk: Span, place: { readonly sector: number; readonly sectorSize: number }): Copy | undefined {
  const { sector, sectorSize } = place;
  const header = readIfThere(disk, { offset: sector * sectorSize, length: sectorSize }, 'GPT header');
  if (!header?.has(0, SIGNATURE)) return undefined;
  const size = header.u32(HEADER.size);
  if (size < HEADER_SIZE_MIN || size > sectorSize) return { isSound: false, why: 'its header has an impossible size' };
  if (checksumOf(header, size) !== header.u32(HEADER.checksum)) return { isSound: false, why: 'the checksum of its header is wrong' };
  if (header.bigU64(HEADER.own) !== BigInt(sector)) return { isSound: false, why: 'its header belongs to another place' };
  const entryCount = header.u32(HEADER.entryCount);
  const entrySize = header.u32(HEADER.entrySize);
  if (entrySize < ENTRY_SIZE_MIN || entrySize % 8 !== 0 || entryCount * entrySize > ENTRIES_SIZE_MAX) {
    return { isSound: false, why: `${entryCount} entries of ${entrySize} bytes are not believed` };
  }
  const offset = Number(header.bigU64(HEADER.entries)) * sectorSize;
  const entries = readIfThere(disk, { offset, length: entryCount * entrySize }, 'GPT entries');
  if (!entries) return { isSound: false, why: 'its entries lie outside the disk' };
  if (crc32(entries.bytes) !== header.u32(HEADER.entriesChecksum)) return { isSound: false, why: 'the checksum of its entries is wrong' };
  return { isSound: true, header, entries };
}

function checksumOf(header: Fields, size: number): number {
  const bytes = Buffer.from(header.bytes.subarray(0, size));
  bytes.writeUInt32LE(0, HEADER.checksum);
  return crc32(bytes);
}

function toTable({ header, entries }: Copy & { readonly isSound: true }, sectorSize: number): Omit<PartitionTable, 'problems'> {
  const entrySize = header.u32(HEADER.entrySize);
  const count = Math.min(header.u32(HEADER.entryCount), ENTRIES_MAX);
  const partitions = Array.from({ length: count }, (_, index) =>
    toPartition(entries.part(index * entrySize, entrySize), { number: index + 1, sectorSize }),
  );
  return { kind: 'gpt', sectorSize, id: readGuid(header.bytes, HEADER.id), partitions: partitions.flatMap((partition) => partition ?? []) };
}

function toPartition(entry: Fields, { number, sectorSize }: { readonly number: number; readonly sectorSize: number }): Partition | undefined {
  const type = readGuid(entry.bytes, ENTRY.type);
  if (type === NO_GUID) return undefined;
  const first = Number(entry.bigU64(ENTRY.first));
  const last = Number(entry.bigU64(ENTRY.last));
  const typeName = guidName(type);
  const name = entry.utf16(ENTRY.name, NAME_SIZE);
  const described: PartitionEntry = {
    number,
    type,
    ...(typeName === undefined ? {} : { typeName }),
    ...(name === '' ? {} : { name }),
    id: readGuid(entry.bytes, ENTRY.type + GUID_SIZE),
    bootable: (entry.bigU64(ENTRY.attributes) & LEGACY_BOOT) !== 0n,
  };
  return { offset: first * sectorSize, length: (last - first + 1) * sectorSize, entry: described };
}

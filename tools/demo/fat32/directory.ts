// Microsoft FAT32 File System Specification 1.03, "FAT Directory Structure" and "FAT Long Directory Entries".
import type { EntryNames } from './names.ts';

export const ENTRY_SIZE = 32;
/** UTF-16 units of a name in one entry. */
const UNITS_PER_ENTRY = 13;

const ATTRIBUTES = { file: 0x20, folder: 0x10, label: 0x08 } as const;
const ATTRIBUTE_LONG_NAME = 0x0f;
const LAST_LONG_ENTRY = 0x40;

/** Equal content is to give equal volumes, so every entry has the same time: the first second of 2026. */
const FIXED_DATE = ((2026 - 1980) << 9) | (1 << 5) | 1;

export interface DirectoryEntry {
  readonly names: EntryNames;
  readonly kind: keyof typeof ATTRIBUTES;
  /** 0 for what has no content, and for the root seen from below. */
  readonly firstCluster: number;
  /** 0 for folders. */
  readonly size: number;
}

/** Entries that the names take in their folder. */
export const countEntries = (names: EntryNames): number => 1 + (names.long === undefined ? 0 : Math.ceil(names.long.length / UNITS_PER_ENTRY));

export const encodeEntries = (entries: readonly DirectoryEntry[]): Buffer =>
  Buffer.concat(entries.flatMap((entry) => [...encodeLongName(entry.names), encodeShort(entry)]));

function encodeShort({ names, kind, firstCluster, size }: DirectoryEntry): Buffer {
  const entry = Buffer.alloc(ENTRY_SIZE);
  entry.write(names.short, 0, 'latin1');
  entry.writeUInt8(ATTRIBUTES[kind], 11);
  for (const offset of [16, 18, 24]) entry.writeUInt16LE(FIXED_DATE, offset);
  entry.writeUInt16LE(firstCluster >>> 16, 20);
  entry.writeUInt16LE(firstCluster & 0xffff, 26);
  entry.writeUInt32LE(size, 28);
  return entry;
}

/** The parts of a long name stand before the short one, the last part first. */
function encodeLongName({ short, long }: EntryNames): readonly Buffer[] {
  if (long === undefined) return [];
  const count = Math.ceil(long.length / UNITS_PER_ENTRY);
  // A zero ends the name where there is room for it, and ones fill what is left.
  const units = Buffer.alloc(count * UNITS_PER_ENTRY * 2, 0xff);
  units.write(`${long}\0`.slice(0, count * UNITS_PER_ENTRY), 0, 'utf16le');
  const sum = checksum(short);
  return Array.from({ length: count }, (_, at) => {
    const part = units.subarray(at * UNITS_PER_ENTRY * 2, (at + 1) * UNITS_PER_ENTRY * 2);
    return encodeLongPart({ ordinal: (at + 1) | (at === count - 1 ? LAST_LONG_ENTRY : 0), part, sum });
  }).toReversed();
}

function encodeLongPart({ ordinal, part, sum }: { readonly ordinal: number; readonly part: Buffer; readonly sum: number }): Buffer {
  const entry = Buffer.alloc(ENTRY_SIZE);
  entry.writeUInt8(ordinal, 0);
  entry.writeUInt8(ATTRIBUTE_LONG_NAME, 11);
  entry.writeUInt8(sum, 13);
  entry.set(part.subarray(0, 10), 1);
  entry.set(part.subarray(10, 22), 14);
  entry.set(part.subarray(22, 26), 28);
  return entry;
}

/** Ties the parts to their short name: rotate right, add, for each of its bytes. */
export const checksum = (short: string): number =>
  Buffer.from(short, 'latin1').reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);

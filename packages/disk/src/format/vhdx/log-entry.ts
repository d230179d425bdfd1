// MS-VHDX 2.3.1 "Log Entry". All fields are little-endian.
import { roundUp } from '@hypersdk/domain';
import { toByteCount } from '../../file/safe-number.ts';
import { checksumOf, storedChecksum } from './checksum.ts';
import { readGuid, type Guid } from './guid.ts';
import { malformed, type FilePlace } from './vhdx-refusal.ts';

/** The log deals in sectors of this size, and so do the changes in it. */
export const LOG_SECTOR = 4096;

/** The log as it was read: a ring, in which an entry may go on at the start. */
export interface LogRing {
  readonly bytes: Buffer;
  /** Where the ring lies in the file. */
  readonly place: Required<FilePlace>;
}

/** The head of an entry. `offset` and `tail` count from the start of the ring. */
export interface LogEntry {
  readonly offset: number;
  readonly length: number;
  /** Where the oldest entry lies that still has to be replayed with this one. */
  readonly tail: number;
  readonly sequence: bigint;
  readonly changeCount: number;
  /** The file had at least this size when the entry was written, or it was cut short since. */
  readonly flushedSize: number;
  /** The file must have at least this size once the entry is replayed. */
  readonly lastSize: number;
}

/** A change of whole sectors of the file: to zeros, or to the bytes of one sector. */
export type LogChange = { readonly offset: number } & (
  | { readonly kind: 'zeros'; readonly length: number }
  | { readonly kind: 'sector'; readonly bytes: Uint8Array; readonly leading: Uint8Array; readonly trailing: Uint8Array }
);

const ENTRY_SIGNATURE = 'loge';
const HEADER_SIZE = 64;
const FIELD = { length: 8, tail: 12, sequence: 16, changeCount: 24, guid: 32, flushed: 48, last: 56 } as const;
const CHANGE_SIZE = 32;
const CHANGE_FIELD = { trailing: 4, leading: 8, zeroLength: 8, offset: 16, sequence: 24 } as const;
const SECTOR_SIGNATURE = 'data';
const SECTOR_FIELD = { sequenceHigh: 4, sequenceLow: 4092 } as const;

/** Whether an entry of the log with this identifier was begun at `offset`. */
export const isBegun = ({ bytes }: LogRing, offset: number, guid: Guid): boolean =>
  bytes.toString('latin1', offset, offset + ENTRY_SIGNATURE.length) === ENTRY_SIGNATURE && readGuid(bytes, offset + FIELD.guid) === guid;

/** The head of the entry that was begun at `offset`, checked for everything but the checksum; undefined when it cannot be one. */
export function readLogEntry({ bytes }: LogRing, offset: number): LogEntry | undefined {
  const length = bytes.readUInt32LE(offset + FIELD.length);
  const tail = bytes.readUInt32LE(offset + FIELD.tail);
  const sequence = bytes.readBigUInt64LE(offset + FIELD.sequence);
  const changeCount = bytes.readUInt32LE(offset + FIELD.changeCount);
  const isPossible = length >= firstSectorOf(changeCount) && length <= bytes.length && length % LOG_SECTOR === 0;
  if (!isPossible || tail >= bytes.length || tail % LOG_SECTOR !== 0 || sequence === 0n) return undefined;
  const size = (field: number): number => toByteCount(bytes.readBigUInt64LE(offset + field)) ?? Infinity;
  return { offset, length, tail, sequence, changeCount, flushedSize: size(FIELD.flushed), lastSize: size(FIELD.last) };
}

/** Whether all of the entry was written: its checksum covers its sectors. */
export function isWhole({ bytes }: LogRing, { offset, length }: LogEntry): boolean {
  const beforeWrap = Math.min(length, bytes.length - offset);
  const head = bytes.subarray(offset, offset + beforeWrap);
  return storedChecksum(head) === checksumOf(head, bytes.subarray(0, length - beforeWrap));
}

/** Where in an entry its first data sector lies: behind its descriptors. */
const firstSectorOf = (changeCount: number): number => roundUp(HEADER_SIZE + changeCount * CHANGE_SIZE, LOG_SECTOR);

/** The changes of a whole entry. Its checksum matched, so whatever contradicts itself now was written that way. */
export function* changesOf(ring: LogRing, entry: LogEntry): Generator<LogChange> {
  const { bytes, place } = ring;
  let sector = firstSectorOf(entry.changeCount);
  for (let index = 0; index < entry.changeCount; index += 1) {
    const start = (entry.offset + HEADER_SIZE + index * CHANGE_SIZE) % bytes.length;
    const at = { path: place.path, offset: place.offset + start };
    const signature = bytes.toString('latin1', start, start + 4);
    if (bytes.readBigUInt64LE(start + CHANGE_FIELD.sequence) !== entry.sequence) throw malformed('a change in its log belongs to another entry', at);
    const offset = toByteCount(bytes.readBigUInt64LE(start + CHANGE_FIELD.offset)) ?? Infinity;
    if (offset % LOG_SECTOR !== 0) throw malformed(`its log changes byte ${offset}, which is not the start of a sector of ${LOG_SECTOR}`, at);
    if (signature === 'zero') {
      const length = toByteCount(bytes.readBigUInt64LE(start + CHANGE_FIELD.zeroLength)) ?? Infinity;
      if (length % LOG_SECTOR !== 0) throw malformed(`its log clears ${length} bytes, which are not whole sectors of ${LOG_SECTOR}`, at);
      yield { kind: 'zeros', offset, length };
    } else if (signature === 'desc') {
      if (sector + LOG_SECTOR > entry.length) throw malformed('an entry of its log has more changes than sectors', at);
      yield { kind: 'sector', offset, ...sectorAt(ring, (entry.offset + sector) % bytes.length, entry), ...edgesAt(bytes, start) };
      sector += LOG_SECTOR;
    } else {
      throw malformed('a change in its log is of no known kind', at);
    }
  }
}

/** The first eight and last four bytes of a sector, which its data sector has no room for. */
const edgesAt = (bytes: Buffer, start: number): { readonly leading: Uint8Array; readonly trailing: Uint8Array } => ({
  leading: bytes.subarray(start + CHANGE_FIELD.leading, start + CHANGE_FIELD.leading + 8),
  trailing: bytes.subarray(start + CHANGE_FIELD.trailing, start + CHANGE_FIELD.trailing + 4),
});

function sectorAt({ bytes, place }: LogRing, start: number, { sequence }: LogEntry): { readonly bytes: Uint8Array } {
  const isOwn =
    bytes.toString('latin1', start, start + SECTOR_SIGNATURE.length) === SECTOR_SIGNATURE &&
    (BigInt(bytes.readUInt32LE(start + SECTOR_FIELD.sequenceHigh)) << 32n) + BigInt(bytes.readUInt32LE(start + SECTOR_FIELD.sequenceLow)) ===
      sequence;
  if (!isOwn) throw malformed('a sector in its log belongs to another entry', { path: place.path, offset: place.offset + start });
  return { bytes: bytes.subarray(start, start + LOG_SECTOR) };
}

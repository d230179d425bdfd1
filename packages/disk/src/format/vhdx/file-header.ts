// MS-VHDX 2.2.1 "File Type Identifier" and 2.2.2 "Headers". All fields are little-endian.
import { endOf, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { toByteCount } from '../../file/safe-number.ts';
import { checksumOf, setChecksum, storedChecksum } from './checksum.ts';
import { GUID_SIZE, NO_GUID, readGuid, writeGuid, type Guid } from './guid.ts';
import { ALIGNMENT, PLACE_SIZE } from './vhdx-limits.ts';
import { malformed, unsupported, type FilePlace } from './vhdx-refusal.ts';

/** One of the two headers. Offsets are bytes of the file. */
export interface FileHeader {
  readonly sequence: bigint;
  /** Changes when the file is opened for writing. */
  readonly fileWriteGuid: Guid;
  /** Changes when the disk's content may have changed; a differencing disk names its parent by it. */
  readonly dataWriteGuid: Guid;
  /** The entries of the log that count; undefined when there is nothing to replay. */
  readonly logGuid: Guid | undefined;
  readonly log: ByteRange;
}

export const FILE_SIGNATURE = 'vhdxfile';
export const HEADER_OFFSETS = [PLACE_SIZE, 2 * PLACE_SIZE] as const;
/** The end of what the log never changes: file type identifier and both headers. */
export const HEADERS_END = 3 * PLACE_SIZE;

const SIGNATURE = 'head';
const HEADER_SIZE = 4096;
const VERSION = 1;
const FIELD = { sequence: 8, fileWrite: 16, dataWrite: 32, log: 48, logVersion: 64, version: 66, logLength: 68, logOffset: 72 } as const;

/** The header that counts: the newer of those that are sound. */
export function readFileHeader(file: ByteFile): FileHeader {
  const sound = HEADER_OFFSETS.flatMap((offset) => readSound(file, offset) ?? []);
  const [first, second] = sound;
  if (!first) throw malformed('neither of its two headers is sound', { path: file.path, offset: HEADER_OFFSETS[0] });
  const newest = second && sequenceOf(second.bytes) > sequenceOf(first.bytes) ? second : first;
  // Programs that make an image in one go write one header twice; two different ones must have an order.
  if (second && sequenceOf(first.bytes) === sequenceOf(second.bytes) && Buffer.compare(first.bytes, second.bytes) !== 0)
    throw malformed('its two headers differ, yet neither is the newer', { path: file.path, offset: second.offset });
  return parseFileHeader(newest.bytes, { path: file.path, offset: newest.offset }, file.size);
}

interface SoundHeader {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

function readSound(file: ByteFile, offset: number): SoundHeader | undefined {
  if (offset + HEADER_SIZE > file.size) return undefined;
  const bytes = Buffer.alloc(HEADER_SIZE);
  file.read(offset, bytes);
  const isSound = bytes.toString('latin1', 0, SIGNATURE.length) === SIGNATURE && storedChecksum(bytes) === checksumOf(bytes);
  return isSound ? { bytes, offset } : undefined;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const sequenceOf = (bytes: Uint8Array): bigint => viewOf(bytes).getBigUint64(FIELD.sequence, true);

function parseFileHeader(bytes: Uint8Array, at: Required<FilePlace>, fileSize: number): FileHeader {
  const view = viewOf(bytes);
  const place = (field: number): FilePlace => ({ path: at.path, offset: at.offset + field });
  const version = view.getUint16(FIELD.version, true);
  if (version !== VERSION) throw unsupported(`version ${version} of the format is not known`, place(FIELD.version));
  const logGuid = readGuid(bytes, FIELD.log);
  const logVersion = view.getUint16(FIELD.logVersion, true);
  if (logGuid !== NO_GUID && logVersion !== 0) throw unsupported(`version ${logVersion} of the log is not known`, place(FIELD.logVersion));

  const log = { offset: toByteCount(view.getBigUint64(FIELD.logOffset, true)) ?? Infinity, length: view.getUint32(FIELD.logLength, true) };
  if (log.length === 0 || log.length % ALIGNMENT !== 0)
    throw malformed(`a log of ${log.length} bytes is not a whole number of MiB`, place(FIELD.logLength));
  if (endOf(log) > fileSize)
    throw malformed(`its log of ${log.length} bytes is said to lie at byte ${log.offset}, but the file ends at ${fileSize}`, place(FIELD.logOffset));
  if (log.offset < ALIGNMENT || log.offset % ALIGNMENT !== 0)
    throw malformed(`its log is said to lie at byte ${log.offset}, where none may begin`, place(FIELD.logOffset));
  return {
    sequence: sequenceOf(bytes),
    fileWriteGuid: readGuid(bytes, FIELD.fileWrite),
    dataWriteGuid: readGuid(bytes, FIELD.dataWrite),
    logGuid: logGuid === NO_GUID ? undefined : logGuid,
    log,
  };
}

export function encodeFileHeader(header: FileHeader): Uint8Array {
  const bytes = Buffer.alloc(HEADER_SIZE);
  const view = viewOf(bytes);
  bytes.write(SIGNATURE, 0, 'latin1');
  view.setBigUint64(FIELD.sequence, header.sequence, true);
  writeGuid(bytes, FIELD.fileWrite, header.fileWriteGuid);
  writeGuid(bytes, FIELD.dataWrite, header.dataWriteGuid);
  writeGuid(bytes.subarray(FIELD.log, FIELD.log + GUID_SIZE), 0, header.logGuid ?? NO_GUID);
  view.setUint16(FIELD.version, VERSION, true);
  view.setUint32(FIELD.logLength, header.log.length, true);
  view.setBigUint64(FIELD.logOffset, BigInt(header.log.offset), true);
  setChecksum(bytes);
  return bytes;
}

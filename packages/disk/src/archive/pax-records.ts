// POSIX.1-2017, pax, "pax Extended Header": records of the form "%d %s=%s\n", the number counting the bytes of the whole record.
import { toByteCount } from '../file/safe-number.ts';
import { refuseArchive, type ArchivePlace } from './archive-refusal.ts';

/** More than any program writes for one file. */
const RECORDS_MAX = 256;
/** The number of a record that fits an extension has at most this many digits. */
const LENGTH_DIGITS_MAX = 6;
/** "hdrcharset": what names are written in unless another is named. */
const UTF_8 = 'ISO-IR 10646 2000 UTF-8';

const [SPACE, LINE_FEED] = [0x20, 0x0a];

/** The two records that say where a file is; those that only describe it (times, owners) are passed over. The name is not yet judged. */
export function parsePaxRecords(bytes: Uint8Array, at: ArchivePlace): { readonly name?: Uint8Array; readonly size?: number } {
  const records = new Map<string, Uint8Array>();
  for (let offset = 0; offset < bytes.length;) {
    const { end, key, value } = parseRecord(bytes, offset, at);
    if (key.startsWith('GNU.sparse.') || key === 'SCHILY.realsize')
      throw refuseArchive('archive/unsafe-member', 'it holds a sparse file, whose bytes do not lie as they are', at);
    if (key === 'hdrcharset' && latin1(value) !== UTF_8) throw malformed('its names are not written in UTF-8', at);
    if (records.has(key)) throw malformed('a record stands there twice', at);
    if (records.size >= RECORDS_MAX) throw malformed(`it has more than ${RECORDS_MAX} records`, at);
    records.set(key, value);
    offset = end;
  }
  const [name, size] = [records.get('path'), records.get('size')];
  return { ...(name === undefined ? {} : { name }), ...(size === undefined ? {} : { size: toSize(latin1(size), at) }) };
}

interface PaxRecord {
  readonly key: string;
  readonly value: Uint8Array;
  /** Where the next record begins. */
  readonly end: number;
}

function parseRecord(bytes: Uint8Array, start: number, at: ArchivePlace): PaxRecord {
  const space = bytes.indexOf(SPACE, start);
  const digits = space < 0 || space > start + LENGTH_DIGITS_MAX ? '' : latin1(bytes.subarray(start, space));
  const end = start + (/^[1-9]\d*$/.test(digits) ? Number(digits) : 0);
  if (end <= space + 1 || end > bytes.length || bytes[end - 1] !== LINE_FEED) throw malformed('a record of it has no right length', at);
  const record = bytes.subarray(space + 1, end - 1);
  const equals = record.indexOf('='.charCodeAt(0));
  if (equals < 1) throw malformed('a record of it has no name', at);
  return { key: latin1(record.subarray(0, equals)), value: record.subarray(equals + 1), end };
}

function toSize(text: string, at: ArchivePlace): number {
  const size = /^\d{1,20}$/.test(text) ? toByteCount(BigInt(text)) : undefined;
  if (size === undefined) throw refuseArchive('archive/malformed-number', 'a size in an extended header is no number that can be', at);
  return size;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const malformed = (why: string, at: ArchivePlace): ReturnType<typeof refuseArchive> =>
  refuseArchive('archive/malformed-extension', `an extended header is not right: ${why}`, at);

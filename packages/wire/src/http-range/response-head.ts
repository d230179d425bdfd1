// RFC 9112 (HTTP/1.1), §4 "Status Line", §5 "Field Syntax", §6 "Message Body"; RFC 9110 (HTTP Semantics), §14.4 "Content-Range".
import { KIB } from '@hypersdk/domain';
import { malformed, toPrintable } from './refusals.ts';

export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  /** The connection may be used for another request. */
  readonly isKept: boolean;
}

/** Common servers send less than one; proxies with long cookies and policies a few more. */
export const HEAD_SIZE_MAX = 32 * KIB;
const FIELDS_MAX = 128;
/** Two of one of these would let two readers of one stream see two different bodies. */
const SINGLE = new Set(['content-length', 'content-range', 'content-encoding', 'transfer-encoding', 'etag', 'last-modified', 'location']);

/** Reads everything before the empty line. */
export function parseResponseHead(bytes: Uint8Array): ResponseHead {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split('\r\n');
  const [first = '', ...rest] = lines;
  const status = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n\0]*)?$/.exec(first);
  if (!status) throw malformed(`does not speak HTTP/1.1: it says ${toPrintable(first)}`);
  if (rest.length > FIELDS_MAX) throw malformed(`sends ${rest.length} header fields, more than ${FIELDS_MAX}`);
  const fields = new Map<string, string>();
  for (const line of rest) {
    // No line folding, no space before the colon, no lone CR or LF: each is a way to hide a field from one of two readers.
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*$/.exec(line);
    if (!field) throw malformed(`sends a header field that is none: ${toPrintable(line)}`);
    const [, name = '', value = ''] = field;
    const key = name.toLowerCase();
    const before = fields.get(key);
    if (before !== undefined && SINGLE.has(key)) throw malformed(`sends the header field ${key} twice`);
    fields.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  const connection = (fields.get('connection') ?? '').toLowerCase();
  return { status: Number(status[2]), fields, isKept: status[1] === '1' && !connection.split(/[ ,]+/).includes('close') };
}

export type Framing = { readonly kind: 'length'; readonly length: number } | { readonly kind: 'chunked' | 'until-close' };

export function framingOf({ fields }: ResponseHead): Framing {
  const length = fields.get('content-length');
  const coding = fields.get('transfer-encoding');
  if (coding !== undefined) {
    if (length !== undefined) throw malformed('gives its body a length and chunks at once');
    if (coding.toLowerCase() !== 'chunked') throw malformed(`uses the transfer coding ${toPrintable(coding)}`);
    return { kind: 'chunked' };
  }
  if (length === undefined) return { kind: 'until-close' };
  return { kind: 'length', length: toNumber(length, 'Content-Length') };
}

export interface ContentRange {
  readonly offset: number;
  readonly length: number;
  /** Of the whole file. */
  readonly size: number;
}

export function contentRangeOf({ fields }: ResponseHead): ContentRange {
  const text = fields.get('content-range');
  if (text === undefined) throw malformed('answers with a part of the file and does not say which');
  const match = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+|\*)$/i.exec(text);
  if (!match) throw malformed(`answers with a range that is none: ${toPrintable(text)}`);
  const [, first = '', last = '', total = ''] = match;
  if (total === '*') throw malformed('does not say how large the file is');
  const offset = toNumber(first, 'Content-Range');
  const end = toNumber(last, 'Content-Range') + 1;
  const size = toNumber(total, 'Content-Range');
  if (end <= offset || end > size) throw malformed(`answers with a range that cannot be: ${toPrintable(text)}`);
  return { offset, length: end - offset, size };
}

function toNumber(text: string, field: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw malformed(`sends a ${field} that is no number of bytes: ${toPrintable(text)}`);
  return value;
}

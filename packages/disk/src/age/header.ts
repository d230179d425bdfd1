// The age format, version 1 (C2SP, age-encryption.org/v1), "Header". Who may have the file key is for `file-key.ts`; here only where the header ends and whether it is whole.
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { HyperError, KIB, type ErrorCode } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';

const INTRO = 'age-encryption.org/v1\n';
const ARMOR = '-----BEGIN AGE ENCRYPTED FILE-----';
/** Two hundred recipients of the longest kind known (post-quantum, 1.6 KiB each); real headers have a few hundred bytes. */
const HEADER_SIZE_MAX = 512 * KIB;
/** Each may cost an attempt at unwrapping. */
const STANZA_COUNT_MAX = 256;

export interface AgeHeader {
  /** From the first byte to the line feed behind the code. */
  readonly bytes: Uint8Array;
  /** What kinds of recipients it names, in order: `X25519`, `scrypt`, … */
  readonly stanzas: readonly string[];
}

type Bytes = Pick<ByteFile, 'path' | 'size' | 'read'>;

/** Whether a file says of itself that it is one in the age format. */
const isAge = (head: Uint8Array): boolean => latin1(head.subarray(0, INTRO.length)) === INTRO;

/** The header of a file in the age format; undefined when it is none. Checks its form, not its code. */
export function readHeader(file: Bytes): AgeHeader | undefined {
  const start = readStart(file, Math.max(INTRO.length, ARMOR.length));
  if (latin1(start).startsWith(ARMOR))
    throw refuse(
      'encryption/malformed',
      file,
      'it is encrypted as text (armored), which cannot be read in place; undo that with: age -d, or dearmor it',
    );
  if (!isAge(start)) return undefined;
  const text = latin1(readStart(file, HEADER_SIZE_MAX));
  const match = /\n--- [A-Za-z0-9+/]{43}\n/.exec(text);
  if (!match)
    throw malformed(file, text.length === HEADER_SIZE_MAX ? `its header does not end within ${HEADER_SIZE_MAX} bytes` : 'its header is cut short');
  const end = match.index + match[0].length;
  const stanzas = text
    .slice(INTRO.length, match.index + 1)
    .split('\n')
    .filter((line) => line.startsWith('-> '))
    .map((line) => line.split(' ')[1] ?? '');
  if (stanzas.length === 0) throw malformed(file, 'its header names no recipient');
  if (stanzas.length > STANZA_COUNT_MAX) throw malformed(file, `its header names more than ${STANZA_COUNT_MAX} recipients`);
  return { bytes: Buffer.from(text.slice(0, end), 'latin1'), stanzas };
}

/** Whether this key wrote this header. */
export function isHeaderOf(header: AgeHeader, fileKey: Uint8Array): boolean {
  const text = latin1(header.bytes);
  const mark = text.lastIndexOf('\n--- ');
  const key = Buffer.from(hkdfSync('sha256', fileKey, new Uint8Array(0), 'header', 32));
  const code = createHmac('sha256', key)
    .update(header.bytes.subarray(0, mark + '\n---'.length))
    .digest();
  const recorded = Buffer.from(text.slice(mark + '\n--- '.length, -1), 'base64');
  return recorded.length === code.length && timingSafeEqual(recorded, code);
}

export const refuse = (code: ErrorCode, { path }: Pick<Bytes, 'path'>, why: string): HyperError =>
  new HyperError(code, `${path} cannot be decrypted: ${why}.`, { detail: { path } });

const malformed = (file: Bytes, why: string): HyperError => refuse('encryption/malformed', file, why);

function readStart(file: Bytes, length: number): Uint8Array {
  const start = new Uint8Array(Math.min(length, file.size));
  file.read(0, start);
  return start;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

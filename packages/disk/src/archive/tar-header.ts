// POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format" for sizes above 8 GiB.
import { HyperError } from '@hypersdk/domain';
import { toByteCount } from '../file/safe-number.ts';
import { refuseArchive, type ArchivePlace } from './archive-refusal.ts';

export const BLOCK_SIZE = 512;

/** One header block as it stands; the name is not yet judged. */
export interface TarHeader {
  readonly name: Uint8Array;
  readonly size: number;
  /** As a character; `0` is a regular file. */
  readonly type: string;
}

/** The longest name that fits the header without an extension. */
const NAME_SIZE = 100;
const MODE = { offset: 100, length: 8 } as const;
const OWNER = { offset: 108, length: 8 } as const;
const GROUP = { offset: 116, length: 8 } as const;
const SIZE = { offset: 124, length: 12 } as const;
const MODIFIED = { offset: 136, length: 12 } as const;
const CHECKSUM = { offset: 148, length: 8 } as const;
const TYPE_OFFSET = 156;
const MAGIC = { offset: 257, length: 8 } as const;
const PREFIX = { offset: 345, length: 155 } as const;

const MAGIC_POSIX = 'ustar\0';
/** "Basic Tar Format", OLDGNU_MAGIC: the version is part of it, and the area of the prefix has another use. */
const MAGIC_GNU = 'ustar  \0';

/** Largest size that eleven octal digits can say. */
const OCTAL_MAX = 8 ** 11 - 1;

/** Reads the block at `at`, which is not all zeros. */
export function parseTarHeader(block: Uint8Array, at: ArchivePlace): TarHeader {
  const magic = latin1(block, MAGIC);
  const isPosix = magic.startsWith(MAGIC_POSIX);
  if (!isPosix && magic !== MAGIC_GNU) throw refuseArchive('archive/not-tar', 'there is no tar header where one has to be', at);
  if (readNumber(block, CHECKSUM, { ...at, what: 'checksum' }) !== checksumOf(block))
    throw refuseArchive('archive/wrong-checksum', 'the checksum of a header does not match', at);
  const name = untilNul(block.subarray(0, NAME_SIZE));
  const prefix = isPosix ? untilNul(block.subarray(PREFIX.offset, PREFIX.offset + PREFIX.length)) : new Uint8Array(0);
  return {
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    size: readNumber(block, SIZE, { ...at, what: 'size' }),
    // A NUL is what the oldest programs wrote for a regular file.
    type: block[TYPE_OFFSET] === 0 ? '0' : String.fromCharCode(block[TYPE_OFFSET] ?? 0),
  };
}

/** A regular file, readable by all, owned by nobody in particular. The name is ASCII and fits; `modifiedAt` is seconds since 1970. */
export function encodeTarHeader(entry: { readonly name: string; readonly size: number; readonly modifiedAt: number }): Uint8Array {
  const { name, size, modifiedAt } = entry;
  if (!/^[\x21-\x7e]+$/.test(name) || name.length > NAME_SIZE)
    throw new HyperError('internal/unexpected', 'The name of an archive member has to be short ASCII text.', { detail: { name } });
  const block = Buffer.alloc(BLOCK_SIZE);
  block.write(name, 0, 'latin1');
  writeOctal(block, MODE, 0o644);
  writeOctal(block, OWNER, 0);
  writeOctal(block, GROUP, 0);
  if (size <= OCTAL_MAX) writeOctal(block, SIZE, size);
  else writeBase256(block, size);
  writeOctal(block, MODIFIED, Math.min(OCTAL_MAX, Math.max(0, Math.floor(modifiedAt))));
  block.write('0', TYPE_OFFSET, 'latin1');
  block.write(`${MAGIC_POSIX}00`, MAGIC.offset, 'latin1');
  // Six digits, a NUL and a space, as the first implementations wrote it and some readers still want it.
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, CHECKSUM.offset, 'latin1');
  return block;
}

interface Field {
  readonly offset: number;
  readonly length: number;
}

const latin1 = (block: Uint8Array, { offset, length }: Field): string => Buffer.from(block.subarray(offset, offset + length)).toString('latin1');

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** Sum of all bytes, those of the checksum counted as spaces. */
function checksumOf(block: Uint8Array): number {
  let sum = CHECKSUM.length * 0x20;
  for (let at = 0; at < BLOCK_SIZE; at += 1) if (at < CHECKSUM.offset || at >= CHECKSUM.offset + CHECKSUM.length) sum += block[at] ?? 0;
  return sum;
}

/** Octal digits between blanks, or, with the first bit set, a big-endian number of two's complement. */
function readNumber(block: Uint8Array, field: Field, at: ArchivePlace & { readonly what: string }): number {
  const bytes = block.subarray(field.offset, field.offset + field.length);
  const value = (bytes[0] ?? 0) >= 0x80 ? fromBase256(bytes) : fromOctal(latin1(block, field));
  if (value === undefined) throw refuseArchive('archive/malformed-number', `the ${at.what} in a header is no number that can be`, at);
  return value;
}

function fromOctal(text: string): number | undefined {
  const digits = /^ *([0-7]{1,12})(?:[\0 ].*)?$/s.exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

function fromBase256(bytes: Uint8Array): number | undefined {
  // 0x80 marks it; any other bit there is a negative number or one beyond all disks.
  if (bytes[0] !== 0x80) return undefined;
  return toByteCount(bytes.subarray(1).reduce((value, byte) => value * 256n + BigInt(byte), 0n));
}

function writeOctal(block: Buffer, { offset, length }: Field, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
}

function writeBase256(block: Buffer, value: number): void {
  block[SIZE.offset] = 0x80;
  block.writeBigUInt64BE(BigInt(value), SIZE.offset + SIZE.length - 8);
}

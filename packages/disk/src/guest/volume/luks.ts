// "LUKS1 On-Disk Format Specification" 1.2.3, section 2.1, and "LUKS2 On-Disk Format Specification" 1.1.3, sections 2.1 and 3. All fields are big-endian.
import { createHash } from 'node:crypto';
import { KIB } from '@hypersdk/domain';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';
import { describe, readIfThere, type Recognised } from './recognised.ts';

const HEADER = { offset: 0, length: 512 } as const;
const MAGIC = 'LUKS\xba\xbe';
const VERSION = 6;
const ONE = { cipher: 8, mode: 40, hash: 72, uuid: 168 } as const;
const TWO = { headerSize: 8, label: 24, checksumKind: 72, uuid: 168, subsystem: 208, checksum: 448 } as const;
const CHECKSUM_SIZE = 64;
/** Header and metadata as every tool makes them by default; the format allows 4 MiB. */
const HEADER_READ_MAX = 64 * KIB;
const METADATA_START = 4 * KIB;

export function recogniseLuks(span: Span): Recognised | undefined {
  const head = readIfThere(span, HEADER, 'LUKS header');
  if (!head?.has(0, MAGIC)) return undefined;
  const version = head.u16be(VERSION);
  if (version === 1) return describeFirst(head);
  if (version === 2) return describeSecond(span, head);
  return describe({ kind: 'luks', details: { version } }, [`LUKS version ${version} is not known.`]);
}

const describeFirst = (head: Fields): Recognised =>
  describe({
    kind: 'luks',
    uuid: head.text(ONE.uuid, 40),
    details: { version: 1, cipher: `${head.text(ONE.cipher, 32)}-${head.text(ONE.mode, 32)}`, hash: head.text(ONE.hash, 32) },
  });

function describeSecond(span: Span, head: Fields): Recognised {
  // A size that would not even hold the fields is a lie, which the checksum over them then tells.
  const size = Math.max(HEADER.length, Math.min(head.u64be(TWO.headerSize), HEADER_READ_MAX));
  const whole = span.read({ offset: 0, length: size }, 'LUKS header');
  const cipher = findCipher(whole);
  const isSound = head.u64be(TWO.headerSize) > HEADER_READ_MAX || head.text(TWO.checksumKind, 32) !== 'sha256' || isChecksumRight(whole);
  return describe(
    {
      kind: 'luks',
      label: head.text(TWO.label, 48),
      uuid: head.text(TWO.uuid, 40),
      details: { version: 2, ...(cipher === undefined ? {} : { cipher }) },
    },
    isSound ? [] : ['The checksum of the LUKS header is wrong.'],
  );
}

/** The metadata are JSON. Only segments say how the content is encrypted with `encryption`, key slots do it inside an `area` that names a key size too. */
function findCipher(whole: Fields): string | undefined {
  const json = whole.bytes.toString('latin1', METADATA_START);
  return /"segments":\{"\d+":\{[^{}]*"encryption":"([\w:-]{1,64})"/.exec(json)?.[1];
}

/** SHA-256 over header and metadata with the field itself as zeros (LUKS2, 2.1). */
function isChecksumRight(whole: Fields): boolean {
  const bytes = Buffer.from(whole.bytes);
  const stored = whole.part(TWO.checksum, 32).bytes;
  bytes.fill(0, TWO.checksum, TWO.checksum + CHECKSUM_SIZE);
  return createHash('sha256').update(bytes).digest().equals(stored);
}

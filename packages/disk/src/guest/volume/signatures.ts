// Contents that are only named, by the place of their signature: each from the headers or documents of the system that owns it.
import { KIB, MIB, type VolumeKind } from '@hypersdk/domain';
import type { Span } from '../span.ts';
import { describe, readIfThere, type Recogniser } from './recognised.ts';

interface Signature {
  readonly kind: VolumeKind;
  readonly offset: number;
  readonly latin1: string;
}

const SIGNATURES: readonly Signature[] = [
  { kind: 'bitlocker', offset: 3, latin1: '-FVE-FS-' },
  { kind: 'refs', offset: 3, latin1: 'ReFS\0\0\0\0' },
  { kind: 'md-raid', offset: 0, latin1: '\xfc\x4e\x2b\xa9' },
  { kind: 'md-raid', offset: 4 * KIB, latin1: '\xfc\x4e\x2b\xa9' },
  { kind: 'apfs', offset: 32, latin1: 'NXSB' },
  { kind: 'hfs+', offset: KIB, latin1: 'H+\0\x04' },
  { kind: 'hfs+', offset: KIB, latin1: 'HX\0\x05' },
  { kind: 'squashfs', offset: 0, latin1: 'hsqs' },
  { kind: 'erofs', offset: KIB, latin1: '\xe2\xe1\xf5\xe0' },
  { kind: 'f2fs', offset: KIB, latin1: '\x10\x20\xf5\xf2' },
  { kind: 'vmfs', offset: MIB, latin1: '\x0d\xd0\x01\xc0' },
  { kind: 'vmfs', offset: 2 * MIB, latin1: '\x5e\xf1\xab\x2f' },
];

export const recogniseSignature: Recogniser = (span) => {
  const found = SIGNATURES.find(({ offset, latin1 }) => readIfThere(span, { offset, length: latin1.length }, 'signature')?.has(0, latin1));
  if (found) return describe({ kind: found.kind, details: {} });
  return hasUberblocks(span) ? describe({ kind: 'zfs', details: {} }) : undefined;
};

/** "ZFS On-Disk Specification", section 1.2.1: the label holds 128 uberblocks from 128 KiB on, in the byte order of the machine; a pool in use has several. */
const UBERBLOCKS = { offset: 128 * KIB, length: 128 * KIB } as const;
const UBERBLOCK_SIZE = KIB;
const UBERBLOCK_MAGIC = 0x00bab10cn;
const UBERBLOCKS_MIN = 4;

function hasUberblocks(span: Span): boolean {
  const ring = readIfThere(span, UBERBLOCKS, 'uberblocks');
  if (!ring) return false;
  let found = 0;
  for (let at = 0; at < ring.length; at += UBERBLOCK_SIZE) {
    if (ring.bigU64(at) === UBERBLOCK_MAGIC || ring.bigU64be(at) === UBERBLOCK_MAGIC) found += 1;
  }
  return found >= UBERBLOCKS_MIN;
}

// The btrfs developer documentation, "On-disk format", "Superblock". All fields are little-endian.
import { crc32c } from '../../format/vhdx/crc32c.ts';
import type { Span } from '../span.ts';
import { describe, readIfThere, type Recognised } from './recognised.ts';

const SUPERBLOCK = { offset: 0x1_0000, length: 4096 } as const;
const MAGIC = '_BHRfS_M';
const FIELD = { uuid: 32, magic: 64, logRoot: 96, totalSize: 112, usedSize: 120, deviceCount: 136, checksumKind: 196, label: 299 } as const;
/** Behind the room for the longest checksum. */
const SUMMED_FROM = 32;
const CRC32C = 0;

export function recogniseBtrfs(span: Span): Recognised | undefined {
  const head = readIfThere(span, SUPERBLOCK, 'btrfs superblock');
  if (!head?.has(FIELD.magic, MAGIC)) return undefined;
  const isSound = head.u16(FIELD.checksumKind) !== CRC32C || crc32c(head.bytes.subarray(SUMMED_FROM)) === head.u32(0);
  const devices = head.u64(FIELD.deviceCount);
  return describe(
    {
      kind: 'btrfs',
      label: head.text(FIELD.label, 256),
      uuid: head.uuid(FIELD.uuid),
      size: head.u64(FIELD.totalSize),
      // A log tree is left behind only by a file system that was not unmounted after its last fsync.
      ...(head.u64(FIELD.logRoot) === 0 ? {} : { clean: false }),
      details: { used: head.u64(FIELD.usedSize), ...(devices === 1 ? {} : { devices }) },
    },
    isSound ? [] : ['The checksum of the btrfs superblock is wrong.'],
  );
}

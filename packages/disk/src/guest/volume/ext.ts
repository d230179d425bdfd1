// The Linux kernel's documentation "ext4 Data Structures and Algorithms", "Super Block". All fields are little-endian.
import { crc32c } from '../../format/vhdx/crc32c.ts';
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import { openExtFiles, type ExtGeometry } from '../files/ext-files.ts';
import type { Span } from '../span.ts';
import { checkFits, describe, readIfThere, type Recognised } from './recognised.ts';

const SUPERBLOCK = { offset: 1024, length: 1024 } as const;
const MAGIC = 0xef53;
const FIELD = {
  inodeCount: 0x00,
  blockCountLow: 0x04,
  firstBlock: 0x14,
  blockSizeLog: 0x18,
  blocksPerGroup: 0x20,
  inodesPerGroup: 0x28,
  magic: 0x38,
  state: 0x3a,
  revision: 0x4c,
  inodeSize: 0x58,
  compatible: 0x5c,
  incompatible: 0x60,
  readOnlyCompatible: 0x64,
  uuid: 0x68,
  label: 0x78,
  descriptorSize: 0xfe,
  blockCountHigh: 0x150,
  checksum: 0x3fc,
} as const;
const STATE = { clean: 1, errors: 2 } as const;
const HAS_JOURNAL = 0x4;
const INCOMPATIBLE = { fileType: 0x2, recover: 0x4, journalDevice: 0x8, metaGroups: 0x10, wide: 0x80 } as const;
const METADATA_CHECKSUMS = 0x400;
/** What ext3 knows; a file system with more is ext4. */
const EXT3_INCOMPATIBLE = INCOMPATIBLE.fileType | INCOMPATIBLE.recover | INCOMPATIBLE.metaGroups;
const EXT3_READ_ONLY = 0x7;
/** 64 KiB blocks, the largest there are. */
const BLOCK_SIZE_LOG_MAX = 6;

export function recogniseExt(span: Span): Recognised | undefined {
  const head = readIfThere(span, SUPERBLOCK, 'ext superblock');
  if (head?.u16(FIELD.magic) !== MAGIC) return undefined;
  const incompatible = head.u32(FIELD.incompatible);
  const readOnly = head.u32(FIELD.readOnlyCompatible);
  // A journal on a device of its own has the superblock of a file system, and is none.
  if ((incompatible & INCOMPATIBLE.journalDevice) !== 0) return undefined;

  const geometry = toGeometry(head);
  const blockCount = head.u32(FIELD.blockCountLow) + (geometry.wide ? head.u32(FIELD.blockCountHigh) * 2 ** 32 : 0);
  const size = blockCount * geometry.blockSize;
  const state = head.u16(FIELD.state);
  const isSound = (readOnly & METADATA_CHECKSUMS) === 0 || checksumOf(head) === head.u32(FIELD.checksum);
  const content = describe(
    {
      kind: kindOf(head, incompatible, readOnly),
      label: head.text(FIELD.label, 16),
      uuid: head.uuid(FIELD.uuid),
      size,
      clean: (state & STATE.clean) !== 0 && (state & STATE.errors) === 0 && (incompatible & INCOMPATIBLE.recover) === 0,
      details: { blockSize: geometry.blockSize },
    },
    [
      ...(isSound ? [] : ['The checksum of the ext superblock is wrong.']),
      ...((state & STATE.errors) === 0 ? [] : ['The file system has recorded errors.']),
      ...checkFits(span, size, 'file system'),
    ],
  );
  return { ...content, openFiles: () => openExtFiles(span, geometry) };
}

function kindOf(head: Fields, incompatible: number, readOnly: number): 'ext2' | 'ext3' | 'ext4' {
  if ((incompatible & ~EXT3_INCOMPATIBLE) !== 0 || (readOnly & ~EXT3_READ_ONLY) !== 0) return 'ext4';
  return (head.u32(FIELD.compatible) & HAS_JOURNAL) === 0 ? 'ext2' : 'ext3';
}

function toGeometry(head: Fields): ExtGeometry {
  const blockSizeLog = head.u32(FIELD.blockSizeLog);
  if (blockSizeLog > BLOCK_SIZE_LOG_MAX) throw damaged('the ext superblock names a block size that does not exist');
  const blockSize = 1024 * 2 ** blockSizeLog;
  const wide = (head.u32(FIELD.incompatible) & INCOMPATIBLE.wide) !== 0;
  const geometry = {
    blockSize,
    wide,
    metaGroups: (head.u32(FIELD.incompatible) & INCOMPATIBLE.metaGroups) !== 0,
    firstBlock: head.u32(FIELD.firstBlock),
    inodeCount: head.u32(FIELD.inodeCount),
    inodesPerGroup: head.u32(FIELD.inodesPerGroup),
    inodeSize: head.u32(FIELD.revision) === 0 ? 128 : head.u16(FIELD.inodeSize),
    descriptorSize: wide ? head.u16(FIELD.descriptorSize) : 32,
  };
  const { inodeSize, descriptorSize, inodesPerGroup } = geometry;
  const isPower = Number.isInteger(Math.log2(inodeSize)) && Number.isInteger(Math.log2(descriptorSize));
  if (!isPower || inodeSize < 128 || inodeSize > blockSize || descriptorSize < 32 || descriptorSize > blockSize || inodesPerGroup === 0) {
    throw damaged('the ext superblock names sizes of inodes or groups that cannot be');
  }
  return geometry;
}

/** CRC-32C of all before the field, without the last inversion ("Checksums"). */
const checksumOf = (head: Fields): number => ~crc32c(head.bytes.subarray(0, FIELD.checksum)) >>> 0;

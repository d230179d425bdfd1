// "XFS Algorithms & Data Structures", 3rd edition, "Superblocks". All fields but the checksum are big-endian.
import { crc32c } from '../../format/vhdx/crc32c.ts';
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import { openXfsFiles, type XfsGeometry } from '../files/xfs-files.ts';
import type { Span } from '../span.ts';
import { checkFits, describe, readIfThere, type Recognised } from './recognised.ts';
import { isXfsLogClean } from './xfs-log.ts';

const SUPERBLOCK = { offset: 0, length: 512 } as const;
const MAGIC = 'XFSB';
const FIELD = {
  blockSize: 4,
  blockCount: 8,
  uuid: 32,
  logStart: 48,
  rootInode: 56,
  groupBlocks: 84,
  groupCount: 88,
  logBlocks: 96,
  version: 100,
  sectorSize: 102,
  inodeSize: 104,
  label: 108,
  blockLog: 120,
  inodeLog: 122,
  inodesPerBlockLog: 123,
  groupBlockLog: 124,
  folderBlockLog: 192,
  features2: 200,
  incompatible: 216,
  checksum: 224,
} as const;
const VERSION_MASK = 0xf;
const FEATURES2_FILE_TYPE = 0x200;
const INCOMPATIBLE_FILE_TYPE = 0x1;

export function recogniseXfs(span: Span): Recognised | undefined {
  const head = readIfThere(span, SUPERBLOCK, 'XFS superblock');
  if (!head?.has(0, MAGIC)) return undefined;
  const geometry = toGeometry(head);
  const { blockSize, version } = geometry;
  const size = head.u64be(FIELD.blockCount) * blockSize;
  const isSound = version < 5 || isChecksumRight(span, head);
  const clean = logIsClean(span, head, geometry);
  const content = describe(
    {
      kind: 'xfs',
      label: head.text(FIELD.label, 12),
      uuid: head.uuid(FIELD.uuid),
      size,
      ...(clean === undefined ? {} : { clean }),
      details: { version, blockSize },
    },
    [...(isSound ? [] : ['The checksum of the XFS superblock is wrong.']), ...checkFits(span, size, 'file system')],
  );
  return { ...content, openFiles: () => openXfsFiles(span, geometry) };
}

function toGeometry(head: Fields): XfsGeometry {
  const version = head.u16be(FIELD.version) & VERSION_MASK;
  const hasFileType =
    version === 5 ? (head.u32be(FIELD.incompatible) & INCOMPATIBLE_FILE_TYPE) !== 0 : (head.u32be(FIELD.features2) & FEATURES2_FILE_TYPE) !== 0;
  const blockLog = head.u8(FIELD.blockLog);
  const inodeLog = head.u8(FIELD.inodeLog);
  const inodesPerBlockLog = head.u8(FIELD.inodesPerBlockLog);
  const groupBlockLog = head.u8(FIELD.groupBlockLog);
  const folderBlockLog = head.u8(FIELD.folderBlockLog);
  const blockSize = head.u32be(FIELD.blockSize);
  const isPossible =
    (version === 4 || version === 5) &&
    blockLog >= 9 &&
    blockLog <= 16 &&
    blockSize === 2 ** blockLog &&
    inodeLog >= 8 &&
    inodeLog <= 11 &&
    head.u16be(FIELD.inodeSize) === 2 ** inodeLog &&
    inodesPerBlockLog === blockLog - inodeLog &&
    groupBlockLog <= 31 &&
    head.u32be(FIELD.groupBlocks) <= 2 ** groupBlockLog &&
    blockLog + folderBlockLog <= 16;
  if (!isPossible) throw damaged('the sizes in the XFS superblock contradict each other');
  return {
    version,
    blockSize,
    hasFileType,
    inodeSize: 2 ** inodeLog,
    inodesPerBlock: 2 ** inodesPerBlockLog,
    groupBlocks: head.u32be(FIELD.groupBlocks),
    groupBlockSpan: 2 ** groupBlockLog,
    groupCount: head.u32be(FIELD.groupCount),
    folderBlockSize: 2 ** (blockLog + folderBlockLog),
    rootInode: head.bigU64be(FIELD.rootInode),
  };
}

function isChecksumRight(span: Span, head: Fields): boolean {
  const sector = span.read({ offset: 0, length: head.u16be(FIELD.sectorSize) }, 'XFS superblock');
  const stored = sector.u32(FIELD.checksum);
  sector.bytes.fill(0, FIELD.checksum, FIELD.checksum + 4);
  return crc32c(sector.bytes) === stored;
}

/** Undefined when the log is on another disk or makes no sense: that says nothing of the file system itself. */
function logIsClean(span: Span, head: Fields, geometry: XfsGeometry): boolean | undefined {
  const start = head.u64be(FIELD.logStart);
  if (start === 0) return undefined;
  const group = Math.floor(start / geometry.groupBlockSpan);
  const offset = (group * geometry.groupBlocks + (start % geometry.groupBlockSpan)) * geometry.blockSize;
  return isXfsLogClean(span, { offset, length: head.u32be(FIELD.logBlocks) * geometry.blockSize });
}

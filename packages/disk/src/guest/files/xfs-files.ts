// "XFS Algorithms & Data Structures", 3rd edition: "On-disk Inode", "Data Extents", "Symbolic Links". All fields are big-endian.
import { damaged, notRead } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import { bytesSpan, mappedSpan, type Run, type Span } from '../span.ts';
import type { FileNode, FileTree } from './file-tree.ts';
import { readXfsExtents, type XfsExtent } from './xfs-extents.ts';
import { blockEntriesOf, shortEntriesOf } from './xfs-folder.ts';

export interface XfsGeometry {
  readonly version: number;
  readonly blockSize: number;
  readonly hasFileType: boolean;
  readonly inodeSize: number;
  readonly inodesPerBlock: number;
  readonly groupBlocks: number;
  /** Numbers that a group takes in block and inode numbers: `groupBlocks` rounded up to a power of two. */
  readonly groupBlockSpan: number;
  readonly groupCount: number;
  readonly folderBlockSize: number;
  readonly rootInode: bigint;
}

const MAGIC = 'IN';
const INODE = { mode: 2, version: 4, format: 5, bigExtentCount: 24, size: 56, extentCount: 76, forkOffset: 82, flags2: 120 } as const;
/** Flag in `flags2`: the count of extents is 64 bits wide and lies elsewhere. */
const BIG_COUNTS = 0x10n;
const FORMAT = { local: 1, extents: 2, tree: 3 } as const;
const KINDS: Readonly<Record<number, FileNode['kind']>> = { 0x4000: 'folder', 0x8000: 'file', 0xa000: 'link' };
/** Version 5 gives each block of a long link a header. */
const LINK_HEADER_SIZE = 56;

export function openXfsFiles(volume: Span, geometry: XfsGeometry): FileTree {
  const forks = new WeakMap<FileNode, Fork>();
  const open = (number: bigint): FileNode => {
    const fork = readFork(volume, geometry, number);
    const node = { kind: fork.kind, content: contentOf(volume, geometry, fork) };
    forks.set(node, fork);
    return node;
  };
  return {
    ignoresCase: false,
    root: () => open(geometry.rootInode),
    *entries(folder) {
      const fork = forks.get(folder);
      if (fork?.format === FORMAT.local) yield* shortEntriesOf(fork.fields, geometry, open);
      else yield* blockEntriesOf(folder.content, geometry, open);
    },
  };
}

interface Fork {
  readonly kind: FileNode['kind'];
  readonly format: number;
  readonly size: number;
  readonly extentCount: number;
  /** The part of the inode that says where the content lies, or is it. */
  readonly fields: Fields;
}

function readFork(volume: Span, geometry: XfsGeometry, number: bigint): Fork {
  const perGroup = BigInt(geometry.groupBlockSpan) * BigInt(geometry.inodesPerBlock);
  const group = Number(number / perGroup);
  const inGroup = Number(number % perGroup);
  const block = Math.floor(inGroup / geometry.inodesPerBlock);
  if (group >= geometry.groupCount || block >= geometry.groupBlocks) throw damaged(`an XFS folder names inode ${number}, which does not exist`);
  const offset = (group * geometry.groupBlocks + block) * geometry.blockSize + (inGroup % geometry.inodesPerBlock) * geometry.inodeSize;
  const inode = volume.read({ offset, length: geometry.inodeSize }, 'XFS inode');
  if (!inode.has(0, MAGIC)) throw damaged(`XFS inode ${number} has no magic number`);

  const isVersion3 = inode.u8(INODE.version) >= 3;
  const coreSize = isVersion3 ? 176 : 100;
  const forkOffset = inode.u8(INODE.forkOffset) * 8;
  const fields = inode.part(coreSize, forkOffset === 0 ? geometry.inodeSize - coreSize : forkOffset);
  const hasBigCounts = isVersion3 && (inode.bigU64be(INODE.flags2) & BIG_COUNTS) !== 0n;
  return {
    kind: KINDS[inode.u16be(INODE.mode) & 0xf000] ?? 'other',
    format: inode.u8(INODE.format),
    size: inode.u64be(INODE.size),
    extentCount: hasBigCounts ? inode.u64be(INODE.bigExtentCount) : inode.u32be(INODE.extentCount),
    fields,
  };
}

function contentOf(volume: Span, geometry: XfsGeometry, fork: Fork): Span {
  if (fork.format === FORMAT.local) return bytesSpan(fork.fields.part(0, Math.min(fork.size, fork.fields.length)).bytes);
  if (fork.format !== FORMAT.extents && fork.format !== FORMAT.tree) {
    if (fork.kind === 'other') return bytesSpan(Buffer.alloc(0));
    throw notRead(`the content of an XFS file is kept in a form (${fork.format}) that is not known`);
  }
  const extents = readXfsExtents(volume, geometry, { ...fork, isTree: fork.format === FORMAT.tree });
  const blocks = (size: number): Span => mappedSpan(size, (offset) => runAt(volume, geometry, { extents, offset }));
  if (fork.kind === 'link' && geometry.version === 5) return linkSpan(blocks, fork.size, geometry.blockSize);
  // Behind the entries of a folder, at a place far beyond its size, lie indexes that are not needed here.
  return blocks(fork.size);
}

function runAt(volume: Span, geometry: XfsGeometry, o: { readonly extents: readonly XfsExtent[]; readonly offset: number }): Run {
  const { blockSize } = geometry;
  const inBlock = o.offset % blockSize;
  const block = (o.offset - inBlock) / blockSize;
  const extent = o.extents.find(({ offset, count }) => block >= offset && block < offset + count);
  if (!extent) {
    const next = Math.min(...o.extents.flatMap(({ offset }) => (offset > block ? [offset] : [])));
    return { length: next === Infinity ? Number.MAX_SAFE_INTEGER : (next - block) * blockSize - inBlock, from: undefined };
  }
  const length = (extent.offset + extent.count - block) * blockSize - inBlock;
  if (!extent.isWritten) return { length, from: undefined };
  const first = extent.first + block - extent.offset;
  const group = Math.floor(first / geometry.groupBlockSpan);
  const place = group * geometry.groupBlocks + (first % geometry.groupBlockSpan);
  return { length, from: { span: volume, offset: place * blockSize + inBlock } };
}

/** A link's target without the headers that stand before each block of it. */
function linkSpan(blocks: (size: number) => Span, size: number, blockSize: number): Span {
  const perBlock = blockSize - LINK_HEADER_SIZE;
  const stored = blocks(Math.ceil(size / perBlock) * blockSize);
  return mappedSpan(size, (offset) => {
    const inPiece = offset % perBlock;
    const block = (offset - inPiece) / perBlock;
    return { length: perBlock - inPiece, from: { span: stored, offset: block * blockSize + LINK_HEADER_SIZE + inPiece } };
  });
}

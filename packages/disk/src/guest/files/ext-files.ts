// The Linux kernel's documentation "ext4 Data Structures and Algorithms": "Block Group Descriptors", "Index Nodes", "Directory Entries".
import { damaged, notRead } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import { bytesSpan, mappedSpan, type Run, type Span } from '../span.ts';
import { blockRunOfExtents } from './ext-extents.ts';
import { blockRunOfPointers } from './ext-pointers.ts';
import { readExtInline } from './ext-inline.ts';
import { blocksOf, type FileNode, type FileTree, type FolderEntry } from './file-tree.ts';

export interface ExtGeometry {
  readonly blockSize: number;
  /** 64-bit block numbers. */
  readonly wide: boolean;
  readonly metaGroups: boolean;
  readonly firstBlock: number;
  readonly inodeCount: number;
  readonly inodesPerGroup: number;
  readonly inodeSize: number;
  readonly descriptorSize: number;
}

/** Blocks that lie one after another, from the one asked for on; `first` is undefined where nothing was stored. */
export interface BlockRun {
  readonly first: number | undefined;
  readonly count: number;
}

/** The 60 bytes of an inode that say where its content lies. */
const MAP_SIZE = 60;

const ROOT_INODE = 2;
const INODE = { mode: 0, sizeLow: 4, sectors: 28, flags: 32, map: 40, sizeHigh: 108 } as const;
const FLAG = { encrypted: 0x800, extents: 0x8_0000, inline: 0x1000_0000 } as const;
const KINDS: Readonly<Record<number, FileNode['kind']>> = { 0x4000: 'folder', 0x8000: 'file', 0xa000: 'link' };
const DESCRIPTOR = { inodeTableLow: 8, inodeTableHigh: 40 } as const;
/** Descriptors of 64 bytes have the upper halves. */
const WIDE_DESCRIPTOR_SIZE = 64;
/** Parent's inode in front of the entries of a folder that is kept inline. */
const INLINE_PARENT_SIZE = 4;
const ENTRY = { length: 4, nameLength: 6, name: 8 } as const;

/** The content of each inode that is a folder, with the size of the blocks that its entries fill. */
type ExtNode = FileNode & { readonly entryBlocks: readonly Fields[] | number };

export function openExtFiles(volume: Span, geometry: ExtGeometry): FileTree {
  const open = (number: number): ExtNode => readNode(volume, geometry, number);
  const entryBlocks = new WeakMap<FileNode, ExtNode['entryBlocks']>();
  const known = (node: ExtNode): FileNode => {
    entryBlocks.set(node, node.entryBlocks);
    return node;
  };
  return {
    ignoresCase: false,
    root: () => known(open(ROOT_INODE)),
    *entries(folder) {
      for (const block of readBlocks(folder, entryBlocks.get(folder) ?? geometry.blockSize)) {
        yield* entriesOf(block, (number) => known(open(number)));
      }
    },
  };
}

function* readBlocks(folder: FileNode, blocks: ExtNode['entryBlocks']): Generator<Fields> {
  if (typeof blocks !== 'number') {
    yield* blocks;
    return;
  }
  yield* blocksOf(folder.content, blocks, 'ext folder');
}

/** A hashed folder reads the same: its index hides in entries that name no inode. */
function* entriesOf(block: Fields, open: (number: number) => FileNode): Generator<FolderEntry> {
  for (let at = 0; at + ENTRY.name <= block.length;) {
    const number = block.u32(at);
    // A block of 64 KiB that is one entry cannot say so in 16 bits.
    const length = block.u16(at + ENTRY.length) || block.length;
    const nameLength = block.u8(at + ENTRY.nameLength);
    if (length < ENTRY.name || length % 4 !== 0 || at + length > block.length + 4)
      throw damaged('an entry of an ext folder has an impossible length');
    if (number !== 0 && nameLength > 0) {
      if (ENTRY.name + nameLength > length) throw damaged('a name in an ext folder is longer than its entry');
      yield { name: block.part(at + ENTRY.name, nameLength).bytes.toString('utf8'), open: () => open(number) };
    }
    at += length;
  }
}

function readNode(volume: Span, geometry: ExtGeometry, number: number): ExtNode {
  const inode = readInode(volume, geometry, number);
  const flags = inode.u32(INODE.flags);
  if ((flags & FLAG.encrypted) !== 0) throw notRead('a file on the way is encrypted');
  const kind = KINDS[inode.u16(INODE.mode) & 0xf000] ?? 'other';
  const size = inode.u32(INODE.sizeLow) + inode.u32(INODE.sizeHigh) * 2 ** 32;
  const map = inode.part(INODE.map, MAP_SIZE);
  if ((flags & FLAG.inline) !== 0) {
    const rest = readExtInline(inode);
    if (kind !== 'folder') return { kind, content: bytesSpan(Buffer.concat([map.bytes, rest.bytes]).subarray(0, size)), entryBlocks: [] };
    const first = map.part(INLINE_PARENT_SIZE, MAP_SIZE - INLINE_PARENT_SIZE);
    return { kind, content: bytesSpan(map.bytes), entryBlocks: [first, rest] };
  }
  const isShortLink = kind === 'link' && size < MAP_SIZE && (flags & FLAG.extents) === 0;
  if (isShortLink) return { kind, content: bytesSpan(map.bytes.subarray(0, size)), entryBlocks: [] };
  const runOf =
    (flags & FLAG.extents) === 0 ? blockRunOfPointers(volume, geometry.blockSize, map) : blockRunOfExtents(volume, geometry.blockSize, map);
  return { kind, content: mappedSpan(size, (offset) => toRun(volume, geometry.blockSize, { offset, runOf })), entryBlocks: geometry.blockSize };
}

function toRun(volume: Span, blockSize: number, o: { readonly offset: number; readonly runOf: (block: number) => BlockRun }): Run {
  const inBlock = o.offset % blockSize;
  const run = o.runOf((o.offset - inBlock) / blockSize);
  const length = run.count * blockSize - inBlock;
  return { length, from: run.first === undefined ? undefined : { span: volume, offset: run.first * blockSize + inBlock } };
}

function readInode(volume: Span, geometry: ExtGeometry, number: number): Fields {
  const { blockSize, descriptorSize, inodesPerGroup, inodeSize } = geometry;
  if (number < 1 || number > geometry.inodeCount) throw damaged(`an ext folder names inode ${number}, which does not exist`);
  if (geometry.metaGroups) throw notRead('this ext file system keeps its group descriptors in meta groups');
  const group = Math.floor((number - 1) / inodesPerGroup);
  const index = (number - 1) % inodesPerGroup;
  const offset = (geometry.firstBlock + 1) * blockSize + group * descriptorSize;
  const descriptor = volume.read({ offset, length: descriptorSize }, 'ext group descriptor');
  const high = descriptorSize >= WIDE_DESCRIPTOR_SIZE ? descriptor.u32(DESCRIPTOR.inodeTableHigh) : 0;
  const table = (descriptor.u32(DESCRIPTOR.inodeTableLow) + high * 2 ** 32) * blockSize;
  return volume.read({ offset: table + index * inodeSize, length: inodeSize }, 'ext inode');
}

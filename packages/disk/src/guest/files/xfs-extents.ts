// "XFS Algorithms & Data Structures", 3rd edition, "Data Extents": "Extent List" and "B+tree Extent List".
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';
import type { XfsGeometry } from './xfs-files.ts';

/** Blocks of a file that lie one after another. */
export interface XfsExtent {
  readonly offset: number;
  /** Block number in the file system: group and place in it. */
  readonly first: number;
  readonly count: number;
  readonly isWritten: boolean;
}

const RECORD_SIZE = 16;
/** What a folder of 50,000 names in the worst order has; a file with more pieces is not looked into. */
const EXTENTS_MAX = 10_000;
/** XFS_BM_MAXLEVELS is 9 for data forks. */
const DEPTH_MAX = 9;

export function readXfsExtents(
  volume: Span,
  geometry: XfsGeometry,
  fork: { readonly fields: Fields; readonly extentCount: number; readonly isTree: boolean },
): readonly XfsExtent[] {
  if (fork.extentCount > EXTENTS_MAX) throw damaged(`an XFS file is said to lie in ${fork.extentCount} pieces`);
  if (fork.isTree) return readTree(volume, geometry, fork.fields);
  return Array.from({ length: fork.extentCount }, (_, index) => parseRecord(fork.fields, index * RECORD_SIZE));
}

/** 1 bit: reserved and not written; 54 bits: block of the file; 52 bits: block of the file system; 21 bits: count. */
function parseRecord(fields: Fields, at: number): XfsExtent {
  const high = fields.bigU64be(at);
  const low = fields.bigU64be(at + 8);
  return {
    isWritten: high >> 63n === 0n,
    offset: Number((high >> 9n) & ((1n << 54n) - 1n)),
    first: Number(((high & 0x1ffn) << 43n) | (low >> 21n)),
    count: Number(low & 0x1f_ffffn),
  };
}

const ROOT_HEADER_SIZE = 4;
const NODE = { level: 4, count: 6 } as const;
const MAGIC = { 4: 'BMAP', 5: 'BMA3' } as const;

function readTree(volume: Span, geometry: XfsGeometry, root: Fields): readonly XfsExtent[] {
  const headerSize = geometry.version === 5 ? 72 : 24;
  const magic = geometry.version === 5 ? MAGIC[5] : MAGIC[4];
  const extents: XfsExtent[] = [];
  const visit = (block: number, level: number): void => {
    const place = Math.floor(block / geometry.groupBlockSpan) * geometry.groupBlocks + (block % geometry.groupBlockSpan);
    const node = volume.read({ offset: place * geometry.blockSize, length: geometry.blockSize }, 'XFS extent tree');
    if (!node.has(0, magic) || node.u16be(NODE.level) !== level) throw damaged('a node of an XFS extent tree is not one');
    const count = node.u16be(NODE.count);
    if (level > 0) {
      for (const child of pointersOf(node.part(headerSize, node.length - headerSize), count)) visit(child, level - 1);
      return;
    }
    for (let index = 0; index < count; index += 1) extents.push(parseRecord(node, headerSize + index * RECORD_SIZE));
    if (extents.length > EXTENTS_MAX) throw damaged('an XFS extent tree has more records than its file says');
  };
  const level = root.u16be(0);
  if (level === 0 || level > DEPTH_MAX) throw damaged('an XFS extent tree has an impossible depth');
  for (const child of pointersOf(root.part(ROOT_HEADER_SIZE, root.length - ROOT_HEADER_SIZE), root.u16be(2))) visit(child, level - 1);
  return extents;
}

/** Pointers stand behind the room for all keys that would fit. */
function pointersOf(entries: Fields, count: number): readonly number[] {
  const room = Math.floor(entries.length / RECORD_SIZE);
  if (count > room) throw damaged('a node of an XFS extent tree has more entries than fit');
  return Array.from({ length: count }, (_, index) => entries.u64be(room * 8 + index * 8));
}

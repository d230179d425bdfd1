// "ext4 Data Structures and Algorithms", "Extent Tree".
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';
import type { BlockRun } from './ext-files.ts';

const MAGIC = 0xf30a;
const HEADER = { count: 2, depth: 6, size: 12 } as const;
const ENTRY_SIZE = 12;
const LEAF = { length: 4, high: 6, low: 8 } as const;
const INDEX = { low: 4, high: 8 } as const;
/** The kernel's own limit. */
const DEPTH_MAX = 5;
/** Longer extents are reserved and not yet written: their length is what exceeds this. */
const WRITTEN_MAX = 32_768;
/** Where no extent follows, everything to the end is a hole. */
const TO_THE_END = 2 ** 32;

/** Looks a block up in the tree whose root is `map`. */
export const blockRunOfExtents =
  (volume: Span, blockSize: number, map: Fields) =>
  (block: number): BlockRun => {
    let node = map;
    let depth = depthOf(node, DEPTH_MAX);
    let end = TO_THE_END;
    for (; depth > 0; depth -= 1) {
      const { at, next } = findLast(node, block);
      end = Math.min(end, next);
      if (at === undefined) return { first: undefined, count: end - block };
      const child = node.u32(at + INDEX.low) + node.u16(at + INDEX.high) * 2 ** 32;
      node = volume.read({ offset: child * blockSize, length: blockSize }, 'ext extent tree');
      if (depthOf(node, depth - 1) !== depth - 1) throw damaged('an ext extent tree is not as deep as it says');
    }
    const { at, next } = findLast(node, block);
    end = Math.min(end, next);
    if (at === undefined) return { first: undefined, count: end - block };
    const length = node.u16(at + LEAF.length);
    const count = length > WRITTEN_MAX ? length - WRITTEN_MAX : length;
    const into = block - node.u32(at);
    if (into >= count) return { first: undefined, count: end - block };
    const first = node.u32(at + LEAF.low) + node.u16(at + LEAF.high) * 2 ** 32;
    return { first: length > WRITTEN_MAX ? undefined : first + into, count: count - into };
  };

function depthOf(node: Fields, depthMax: number): number {
  if (node.u16(0) !== MAGIC) throw damaged('a node of an ext extent tree has no magic number');
  const depth = node.u16(HEADER.depth);
  if (depth > depthMax) throw damaged('an ext extent tree is deeper than there are blocks');
  if (HEADER.size + node.u16(HEADER.count) * ENTRY_SIZE > node.length) throw damaged('a node of an ext extent tree has more entries than fit');
  return depth;
}

/** The last entry that begins at or before the block, and where the next one begins. */
function findLast(node: Fields, block: number): { readonly at: number | undefined; readonly next: number } {
  const count = node.u16(HEADER.count);
  for (let index = count - 1; index >= 0; index -= 1) {
    const at = HEADER.size + index * ENTRY_SIZE;
    if (node.u32(at) > block) continue;
    const next = index + 1 < count ? node.u32(at + ENTRY_SIZE) : TO_THE_END;
    return { at, next };
  }
  return { at: undefined, next: count > 0 ? node.u32(HEADER.size) : TO_THE_END };
}

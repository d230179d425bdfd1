// "ext4 Data Structures and Algorithms", "Direct/Indirect Block Addressing": the way of ext2 and ext3.
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';
import type { BlockRun } from './ext-files.ts';

const DIRECT_COUNT = 12;
/** Behind the direct pointers stand one to a table, one to a table of tables, and one level more. */
const LEVELS = 3;
const POINTER_SIZE = 4;

/** Looks a block up through the pointers in `map`. */
export const blockRunOfPointers =
  (volume: Span, blockSize: number, map: Fields) =>
  (block: number): BlockRun => {
    if (block < DIRECT_COUNT) return toRun(map.u32(block * POINTER_SIZE), 1);
    const perTable = blockSize / POINTER_SIZE;
    let index = block - DIRECT_COUNT;
    for (let level = 1; level <= LEVELS; level += 1) {
      const reach = perTable ** level;
      if (index < reach) return descend({ volume, blockSize, index }, map.u32((DIRECT_COUNT + level - 1) * POINTER_SIZE), level);
      index -= reach;
    }
    throw damaged('an ext file is longer than its pointers reach');
  };

interface Place {
  readonly volume: Span;
  readonly blockSize: number;
  /** Among the blocks below the table. */
  readonly index: number;
}

function descend({ volume, blockSize, index }: Place, pointer: number, levels: number): BlockRun {
  const perTable = blockSize / POINTER_SIZE;
  let table = pointer;
  let rest = index;
  for (let level = levels; level > 0; level -= 1) {
    const reach = perTable ** (level - 1);
    // A missing table means that nothing below it was stored.
    if (table === 0) return { first: undefined, count: reach * perTable - rest };
    const slot = Math.floor(rest / reach);
    rest %= reach;
    table = volume.read({ offset: table * blockSize + slot * POINTER_SIZE, length: POINTER_SIZE }, 'ext block table').u32(0);
  }
  return toRun(table, 1);
}

const toRun = (pointer: number, count: number): BlockRun => ({ first: pointer === 0 ? undefined : pointer, count });

import type { WritableFile } from '../../file/byte-file.ts';
import type { BlockStore } from '../blocks/block-layout.ts';
import { finishVdi, placesOf } from './vdi-places.ts';
import { WRITTEN_BLOCK_SIZE, type VdiPlan } from './vdi-plan.ts';

/** Where a dynamic disk keeps its blocks: one after the other, and the table has their numbers. */
export function dynamicStore(plan: VdiPlan, file: WritableFile): BlockStore {
  const { table, content } = placesOf(plan);
  return {
    blockSize: WRITTEN_BLOCK_SIZE,
    table,
    start: content,
    stride: WRITTEN_BLOCK_SIZE,
    // The numbers have 32 bits, and no disk has that many blocks.
    end: Number.MAX_SAFE_INTEGER,
    entryOf: (_offset, order) => order,
    finish: (end, storedCount) => finishVdi(plan, file, { end, storedCount }),
  };
}

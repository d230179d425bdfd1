import { MIB, roundUp } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { BlockTablePlace } from '../blocks/block-table-writer.ts';
import { deriveId, ID_CONTENT_SIZE, toUuid } from '../blocks/derive-id.ts';
import { encodeHeader } from './encode-header.ts';
import { SECTOR_SIZE } from './vdi-limits.ts';
import { WRITTEN_BLOCK_SIZE, type VdiPlan } from './vdi-plan.ts';

const TABLE_OFFSET = 512;
/** VirtualBox aligns the content to a block, so that a block of the disk is one of the medium. */
const ALIGNMENT = MIB;

/** Where the parts of a VDI lie that is written. */
export interface VdiPlaces {
  readonly blockCount: number;
  readonly table: BlockTablePlace;
  readonly content: number;
}

export function placesOf({ virtualSize }: VdiPlan): VdiPlaces {
  const blockCount = Math.ceil(virtualSize / WRITTEN_BLOCK_SIZE);
  const tableLength = roundUp(blockCount * 4, SECTOR_SIZE);
  return {
    blockCount,
    table: { offset: TABLE_OFFSET, count: tableLength / 4, byteOrder: 'little' },
    content: roundUp(TABLE_OFFSET + tableLength, ALIGNMENT),
  };
}

/** Ends the file after its last block and writes the header: from then on it is an image. */
export function finishVdi(plan: VdiPlan, file: WritableFile, o: { readonly end: number; readonly storedCount: number }): void {
  const { table, content, blockCount } = placesOf(plan);
  file.truncate(o.end);
  const start = { offset: content, length: Math.min(ID_CONTENT_SIZE, o.end - content) };
  const id = deriveId(plan, file, [{ offset: table.offset, length: table.count * 4 }, start]);
  file.write(
    0,
    encodeHeader({
      type: plan.kind,
      virtualSize: plan.virtualSize,
      blockSize: WRITTEN_BLOCK_SIZE,
      blockCount,
      storedCount: o.storedCount,
      tableOffset: table.offset,
      contentOffset: content,
      id: toUuid(id, 'little'),
      // Another one is needed: it changes with the content.
      changeId: toUuid(id.toReversed(), 'little'),
    }),
  );
}

/** Where a static disk ends, whatever is on it. */
export const endOfStatic = ({ content, blockCount }: VdiPlaces): number => content + blockCount * WRITTEN_BLOCK_SIZE;

// Virtual Hard Disk Image Format Specification 1.0, "Dynamic Hard Disk Image": footer copy, header, table, blocks, footer.
import { roundUp } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { BlockStore } from '../blocks/block-layout.ts';
import { deriveId, ID_CONTENT_SIZE, toUuid } from '../blocks/derive-id.ts';
import { bitmapSizeOf, HEADER_SIZE } from './dynamic-header.ts';
import { encodeDynamicHeader, encodeFooter } from './encode-vhd.ts';
import { FOOTER_SIZE } from './footer.ts';
import { BLOCK_END_MAX, SECTOR_SIZE } from './vhd-limits.ts';
import type { VhdPlan } from './vhd-plan.ts';

const TABLE_OFFSET = FOOTER_SIZE + HEADER_SIZE;
/** The bitmap takes a sector and would leave the content of every block across the pages of the file system; so the content is aligned, and its bitmap ends where it begins. */
const ALIGNMENT = 4096;

/** Where a dynamic disk keeps its blocks. */
export function dynamicStore(plan: VhdPlan, file: WritableFile): BlockStore {
  const { blockSize, virtualSize, unitSize } = plan;
  const blockCount = Math.ceil(virtualSize / blockSize);
  // Up to the next sector the table is filled with absent blocks.
  const tableLength = roundUp(blockCount * 4, SECTOR_SIZE);
  const bitmapSize = bitmapSizeOf(blockSize);
  const start = roundUp(TABLE_OFFSET + tableLength + bitmapSize, ALIGNMENT);
  return {
    blockSize,
    table: { offset: TABLE_OFFSET, count: tableLength / 4, byteOrder: 'big' },
    start,
    stride: roundUp(blockSize + bitmapSize, ALIGNMENT),
    end: BLOCK_END_MAX - FOOTER_SIZE,
    entryOf: (offset) => (offset - bitmapSize) / SECTOR_SIZE,
    writeBeside: (offset, sizes) => file.write(offset - bitmapSize, bitmapFor(sizes, unitSize, bitmapSize)),
    finish: (end) => {
      file.truncate(end);
      const parts = [
        { offset: TABLE_OFFSET, length: tableLength },
        { offset: start, length: Math.min(ID_CONTENT_SIZE, end - start) },
      ];
      const uniqueId = toUuid(deriveId(plan, file, parts), 'big');
      const footer = encodeFooter({ virtualSize, kind: 'dynamic', headerOffset: FOOTER_SIZE, uniqueId });
      file.write(end, footer);
      file.write(FOOTER_SIZE, encodeDynamicHeader({ tableOffset: TABLE_OFFSET, blockCount, blockSize }));
      file.write(0, footer);
    },
  };
}

/** Units are whole bytes of sectors. */
function bitmapFor(sizes: Uint32Array, unitSize: number, bitmapSize: number): Uint8Array {
  const bits = new Uint8Array(bitmapSize);
  const bytesPerUnit = unitSize / SECTOR_SIZE / 8;
  sizes.forEach((size, unit) => {
    if (size > 0) bits.fill(0xff, unit * bytesPerUnit, (unit + 1) * bytesPerUnit);
  });
  return bits;
}

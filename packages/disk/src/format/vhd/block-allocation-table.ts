// Virtual Hard Disk Image Format Specification 1.0, "Block Allocation Table and Data Blocks".
import type { ByteFile } from '../../file/byte-file.ts';
import { areasOf, overlap, type DynamicHeader, type NamedRange } from './dynamic-header.ts';
import { SECTOR_SIZE } from './vhd-limits.ts';
import { malformed } from './vhd-refusal.ts';

const ABSENT = 0xffff_ffff;
/** The table is read in pieces, so that a wrong entry is found before all of it is in memory. */
const PIECE_SIZE = 1024 * 1024;

/** Where the blocks of a disk lie: 4 bytes in memory for each, checked as a whole when opened. */
export class BlockAllocationTable {
  readonly #sectors: Uint32Array;

  private constructor(sectors: Uint32Array) {
    this.#sectors = sectors;
  }

  /** `end` is where blocks must end: the footer, or the file's end when there is none. */
  static read(file: ByteFile, header: DynamicHeader, end: number): BlockAllocationTable {
    const { path } = file;
    const { table, bitmapSize, blockSize } = header;
    const areas = areasOf(header);
    const length = bitmapSize + blockSize;
    const sectors = new Uint32Array(table.count);
    for (let done = 0; done < table.count * 4; done += PIECE_SIZE) {
      const bytes = Buffer.alloc(Math.min(PIECE_SIZE, table.count * 4 - done));
      file.read(table.offset + done, bytes);
      for (let at = 0; at < bytes.length; at += 4) {
        const sector = bytes.readUInt32BE(at);
        const index = (done + at) / 4;
        sectors[index] = sector;
        const why = sector === ABSENT ? undefined : faultOf({ offset: sector * SECTOR_SIZE, length, end }, areas);
        if (why) throw malformed(`block ${index} is said to lie ${why}`, { path, offset: table.offset + done + at });
      }
    }
    const clash = firstClash(sectors, length / SECTOR_SIZE);
    if (clash !== undefined) throw malformed(`block ${clash} shares its bytes with another block`, { path, offset: table.offset + clash * 4 });
    return new BlockAllocationTable(sectors);
  }

  /** Where the bitmap of a block begins; undefined when the block is absent. */
  offsetOf(index: number): number | undefined {
    const sector = this.#sectors[index];
    return sector === undefined || sector === ABSENT ? undefined : sector * SECTOR_SIZE;
  }

  /** The first block from `index` on, below `end`, that is present; `end` when none is. */
  nextPresent(index: number, end: number): number {
    let at = index;
    while (at < end && this.#sectors[at] === ABSENT) at += 1;
    return at;
  }
}

function faultOf(
  block: { readonly offset: number; readonly length: number; readonly end: number },
  areas: readonly NamedRange[],
): string | undefined {
  const { offset, length, end } = block;
  if (offset + length > end) return `at byte ${offset}, and reaches over the end of the blocks at ${end}`;
  const area = areas.find((each) => overlap(each, { offset, length }));
  return area && `at byte ${offset}, inside the ${area.name}`;
}

/** The index of a block that lies on another one. Programs lay blocks out in rising order, and then nothing is sorted. */
function firstClash(sectors: Uint32Array, length: number): number | undefined {
  let last = -length;
  let isApart = true;
  for (const sector of sectors) {
    if (sector === ABSENT) continue;
    isApart &&= sector >= last + length;
    last = sector;
  }
  if (isApart) return undefined;
  const rising = sectors.filter((sector) => sector !== ABSENT).sort();
  const clash = rising.findIndex((sector, at) => at > 0 && sector - (rising[at - 1] ?? 0) < length);
  return clash < 0 ? undefined : sectors.lastIndexOf(rising[clash] ?? 0);
}

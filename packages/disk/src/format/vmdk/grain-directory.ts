// Virtual Disk Format 5.0, "Grain Directory".
import { endOf, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { overlaps, type MetadataArea } from './metadata-areas.ts';
import type { CompleteHeader } from './sparse-ends.ts';
import { SECTOR_SIZE } from './vmdk-limits.ts';
import { malformed } from './vmdk-refusal.ts';

/** The directory is read in pieces of this many bytes. */
const PIECE_SIZE = 64 * 1024;

/** Where the grain tables of an extent lie: 4 bytes in memory for each, checked as a whole when opened. */
export class GrainDirectory {
  readonly #sectors: Uint32Array;
  /** Places of the tables that exist, in rising order. */
  readonly #sorted: Uint32Array;
  /** From the first byte of any table to the last. */
  readonly tables: ByteRange;

  readonly #tableSize: number;

  private constructor(sectors: Uint32Array, sorted: Uint32Array, tableSize: number) {
    this.#sectors = sectors;
    this.#sorted = sorted;
    this.#tableSize = tableSize;
    const start = (sorted[0] ?? 0) * SECTOR_SIZE;
    const end = sorted.length === 0 ? 0 : (sorted.at(-1) ?? 0) * SECTOR_SIZE + tableSize;
    this.tables = { offset: start, length: end - start };
  }

  static open(
    file: ByteFile,
    areas: readonly MetadataArea[],
    { directoryOffset: offset, tableEntries }: Pick<CompleteHeader['header'], 'directoryOffset' | 'tableEntries'>,
  ): GrainDirectory {
    const tableSize = tableEntries * 4;
    const length = areas.find((area) => area.offset === offset)?.length ?? 0;
    const sectors = readUint32s(file, { offset, length });
    sectors.forEach((sector, index) => {
      const why = sector === 0 ? undefined : faultOf({ offset: sector * SECTOR_SIZE, length: tableSize }, file.size, areas);
      if (why) throw malformed(`grain table ${index} is said to lie ${why}`, { path: file.path, offset: offset + index * 4 });
    });
    const sorted = toRising(sectors);
    const clash = sorted.findIndex((sector, at) => at > 0 && sector - (sorted[at - 1] ?? 0) < tableSize / SECTOR_SIZE);
    if (clash > 0) {
      const index = sectors.lastIndexOf(sorted[clash] ?? 0);
      throw malformed(`grain table ${index} shares its bytes with another grain table`, { path: file.path, offset: offset + index * 4 });
    }
    return new GrainDirectory(sectors, sorted, tableSize);
  }

  get length(): number {
    return this.#sectors.length;
  }

  /** Byte offset of a table, or 0 when none of its grains exist. */
  tableOffset(index: number): number {
    return (this.#sectors[index] ?? 0) * SECTOR_SIZE;
  }

  /** Whether a grain of that range of the file would lie in a grain table. */
  holds(range: ByteRange): boolean {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#sorted[middle] ?? 0) * SECTOR_SIZE + this.#tableSize <= range.offset) low = middle + 1;
      else high = middle;
    }
    const next = this.#sorted[low];
    return next !== undefined && next * SECTOR_SIZE < range.offset + range.length;
  }
}

/** Why no table may lie there. */
function faultOf(table: ByteRange, fileSize: number, areas: readonly MetadataArea[]): string | undefined {
  if (endOf(table) > fileSize) return `at byte ${table.offset}, but the file ends at ${fileSize}`;
  const area = areas.find((other) => overlaps(other, table));
  return area && `inside the ${area.what}`;
}

function readUint32s(file: ByteFile, range: ByteRange): Uint32Array {
  const values = new Uint32Array(range.length / 4);
  const piece = new Uint8Array(Math.min(PIECE_SIZE, range.length));
  for (let done = 0; done < range.length; done += piece.length) {
    const bytes = piece.subarray(0, Math.min(piece.length, range.length - done));
    file.read(range.offset + done, bytes);
    const view = new DataView(bytes.buffer, 0, bytes.length);
    for (let at = 0; at < bytes.length; at += 4) values[(done + at) / 4] = view.getUint32(at, true);
  }
  return values;
}

/** The places above zero in rising order. Most programs lay tables out in order, and then nothing is sorted. */
export function toRising(sectors: Uint32Array): Uint32Array {
  const present = sectors.filter((sector) => sector > 0);
  const rising = present.every((sector, at) => at === 0 || sector > (present[at - 1] ?? 0));
  return rising ? present : present.sort();
}

// Virtual Disk Format 5.0, "Grain Table".
import { endOf, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { GrainClaims } from './grain-claims.ts';
import type { GrainDirectory } from './grain-directory.ts';
import type { GrainMap, GrainPlace } from './grain-map.ts';
import { GRAIN_MARKER_SIZE, isTableMarker } from './marker.ts';
import { overlaps, tableSpan, type MetadataArea } from './metadata-areas.ts';
import type { SparseHeader } from './sparse-header.ts';
import { TablesAhead } from './tables-ahead.ts';
import { GRAIN_SIZE_MIN, SECTOR_SIZE } from './vmdk-limits.ts';
import { malformed, unsupported } from './vmdk-refusal.ts';

/** Tables held at once: 128 KiB, 2 GiB of disk in grains of 64 KiB; the larger tables of ESX extents take 1 MiB. */
const TABLES_KEPT = 64;

/** What a table entry of 1 means when the header allows it ("zeroed-grain GTE"). */
const ZEROED = 1;

export interface GrainTablesParts {
  readonly file: ByteFile;
  readonly header: SparseHeader;
  readonly directory: GrainDirectory;
  readonly areas: readonly MetadataArea[];
  /** Whether each table must be preceded by its marker: so in extents whose directory is at the end. */
  readonly marked: boolean;
}

/** Reads grain tables as they are needed, keeps a few, and checks each when it is read for the first time. */
export class GrainTables implements GrainMap {
  readonly grainSize: number;
  readonly tableSpan: number;
  readonly tableCount: number;
  readonly #parts: GrainTablesParts;
  readonly #entries: number;
  readonly #tableSize: number;
  readonly #zeros: Uint8Array;
  readonly #claims: GrainClaims;
  readonly #checked: Uint8Array;
  readonly #kept: { index: number; readonly entries: Uint32Array }[] = [];
  readonly #bytes: Uint8Array;
  readonly #ahead: TablesAhead;
  /** No area lies beyond. */
  readonly #areasEnd: number;
  #fileRun: ByteRange & { readonly hole: boolean } = { offset: 0, length: 0, hole: false };

  constructor(parts: GrainTablesParts) {
    this.#parts = parts;
    this.grainSize = parts.header.grainSize;
    this.tableSpan = tableSpan(parts.header);
    this.tableCount = parts.directory.length;
    this.#entries = parts.header.tableEntries;
    this.#tableSize = this.#entries * 4;
    this.#zeros = new Uint8Array(this.#tableSize);
    this.#claims = new GrainClaims(parts.header.grainSize / SECTOR_SIZE);
    this.#ahead = new TablesAhead(parts.file, this.#tableSize);
    this.#areasEnd = Math.max(...parts.areas.map(endOf));
    this.#checked = new Uint8Array(parts.directory.length);
    this.#bytes = new Uint8Array(SECTOR_SIZE + this.#tableSize);
  }

  grain(index: number): GrainPlace {
    const table = this.#table(Math.floor(index / this.#entries));
    const sector = table?.[index % this.#entries] ?? 0;
    if (sector === 0) return 'hole';
    return sector === ZEROED && this.#parts.header.zeroedGrains ? 'zero' : sector * SECTOR_SIZE;
  }

  /**
   * Programs reserve the tables of the whole disk, a gibibyte for 16 TiB, and
   * never write most of them: those that lie in a hole of the file are passed over unread, those of zeros many at a time.
   */
  nextUsed(index: number, end: number): number {
    for (let at = index; at < end; at += 1) {
      const offset = this.#parts.directory.tableOffset(at);
      if (offset > 0 && !this.#isHole(offset) && !this.#isZero(offset)) return at;
    }
    return end;
  }

  #isHole(offset: number): boolean {
    if (offset < this.#fileRun.offset || offset + this.#tableSize > endOf(this.#fileRun)) {
      const { file } = this.#parts;
      const [first] = file.extents({ offset, length: file.size - offset });
      this.#fileRun = first ? { offset, length: first.length, hole: first.kind !== 'data' } : { offset, length: 0, hole: false };
    }
    return this.#fileRun.hole && offset + this.#tableSize <= endOf(this.#fileRun);
  }

  /** Where a file system does not tell holes, they are read. Streams have no tables of zeros, so theirs are not looked at. */
  #isZero(offset: number): boolean {
    if (this.#parts.marked) return false;
    if (!this.#ahead.holds(offset)) this.#ahead.load(offset);
    return Buffer.compare(this.#ahead.table(offset), this.#zeros) === 0;
  }

  #table(index: number): Uint32Array | undefined {
    const kept = this.#kept[index % TABLES_KEPT];
    if (kept?.index === index) return kept.entries;
    const offset = this.#parts.directory.tableOffset(index);
    if (offset === 0) return undefined;

    const slot = kept ?? { index, entries: new Uint32Array(this.#entries) };
    slot.index = -1;
    this.#load(offset, slot.entries);
    if (this.#checked[index] === 0) {
      this.#check(index, slot.entries);
      this.#checked[index] = 1;
    }
    slot.index = index;
    this.#kept[index % TABLES_KEPT] = slot;
    return slot.entries;
  }

  #load(offset: number, into: Uint32Array): void {
    const { file, marked } = this.#parts;
    const before = marked ? SECTOR_SIZE : 0;
    const bytes = this.#bytes.subarray(0, before + this.#tableSize);
    if (this.#ahead.holds(offset)) bytes.set(this.#ahead.table(offset), before);
    else file.read(offset - before, bytes);
    if (marked && !isTableMarker(bytes, 'grain-table', this.#tableSize)) {
      throw malformed('a grain table is not preceded by its marker', { path: file.path, offset: offset - before });
    }
    const view = new DataView(bytes.buffer, before, this.#tableSize);
    for (let at = 0; at < this.#entries; at += 1) into[at] = view.getUint32(at * 4, true);
  }

  #check(index: number, entries: Uint32Array): void {
    const { header } = this.#parts;
    const start = index * this.tableSpan;
    for (let at = 0; at < this.#entries; at += 1) {
      const sector = entries[at] ?? 0;
      const left = header.capacity - start - at * header.grainSize;
      if (left <= 0) return; // Entries beyond the end of the disk say nothing.
      if (sector === 0 || (sector === ZEROED && header.zeroedGrains)) continue;
      // The last grain of a disk need not be stored beyond the disk's end.
      const why = this.#fault(sector, header.compressed ? GRAIN_MARKER_SIZE : Math.min(header.grainSize, left));
      if (why === undefined) continue;
      const place = { path: this.#parts.file.path, offset: this.#parts.directory.tableOffset(index) + at * 4 };
      throw why === STREWN ? unsupported(why, place) : malformed(`grain ${index * this.#entries + at} ${why}`, place);
    }
  }

  /** Why no grain may begin at that sector of the file. Runs for every grain of a disk, so it makes no objects unless it must. */
  #fault(sector: number, length: number): string | undefined {
    const { file, areas, directory, header } = this.#parts;
    const start = sector * SECTOR_SIZE;
    const end = start + length;
    if (end > file.size) return `is said to lie at byte ${start}, but the file ends at ${file.size}`;
    if (start < this.#areasEnd) {
      const area = areas.find((other) => overlaps(other, { offset: start, length }));
      if (area) return `is said to lie inside the ${area.what}`;
    }
    const { tables } = directory;
    if (start < endOf(tables) && end > tables.offset && directory.holds({ offset: start, length })) return 'is said to lie inside a grain table';
    // A compressed grain names its place on the disk in its marker, so two entries for one grain are noticed when it is read.
    if (header.compressed) return undefined;
    const clash = this.#claims.claim(sector);
    if (clash === undefined) return undefined;
    if (clash === 'overlap') return 'shares its bytes with another grain';
    // Grains of a sector all have one alignment; of a large extent of them, not every one can be remembered.
    return header.grainSize < GRAIN_SIZE_MIN ? undefined : STREWN;
  }
}

const STREWN = 'its grains are strewn over the file with too many alignments to tell whether they overlap';

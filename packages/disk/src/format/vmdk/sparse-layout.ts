import { endOf, HyperError, LEAF_SIZE, roundUp, type ByteRange } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import { EMBEDDED_DESCRIPTOR, encodeDescriptor } from './descriptor-text.ts';
import { PlaceHistory } from '../place-history.ts';
import { encodeSparseHeader } from './sparse-header.ts';
import { SECTOR_SIZE, SPARSE_FILE_MAX, TABLE_ENTRIES, TABLE_SIZE } from './vmdk-limits.ts';
import { WRITTEN_GRAIN_SIZE, WRITTEN_TABLE_SPAN, type VmdkPlan } from './vmdk-plan.ts';

const UNITS_PER_LEAF = LEAF_SIZE / WRITTEN_GRAIN_SIZE;
/** Bytes of tables looked through at once when a copy resumes; a disk of 1 TiB has 64 MiB of them. */
const CLEAR_PIECE = 64 * 1024;
/** Directory entries written at once. */
const DIRECTORY_PIECE = 16 * 1024;

/**
 * monolithicSparse, and each extent of a split disk: header, descriptor when it has one, redundant directory and tables, directory and tables, then grains in disk order. All tables have their
 * place from the start, as VMware lays them out; those without grains stay holes of the file. One table is held in memory.
 */
export class SparseLayout implements Layout {
  readonly #plan: VmdkPlan;
  readonly #file: WritableFile;
  readonly #places: SparsePlaces;
  readonly #history = new PlaceHistory<number>();
  readonly #table = new Uint8Array(TABLE_SIZE);
  readonly #entries = new DataView(this.#table.buffer);
  #tableIndex = -1;
  #dirty = false;
  #end: number;

  constructor(plan: VmdkPlan, file: WritableFile, resume?: LayoutMark) {
    this.#plan = plan;
    this.#file = file;
    this.#places = toPlaces(plan);
    this.#end = resume?.end ?? this.#places.overhead;
    if (resume) this.#reload(resume.leaves * UNITS_PER_LEAF);
  }

  /** Bytes of the file that are in use. */
  get end(): number {
    return this.#end;
  }

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    this.#history.record(leaf, this.#end);
    const first = leaf * UNITS_PER_LEAF;
    this.#enter(Math.floor(first / TABLE_ENTRIES));
    for (let unit = 0; unit < sizes.length; unit += 1) {
      const size = sizes[unit] ?? 0;
      if (size === 0) continue;
      if (this.#end + size > SPARSE_FILE_MAX) throw tooMuch();
      offsets[unit] = this.#end;
      this.#entries.setUint32(((first + unit) % TABLE_ENTRIES) * 4, this.#end / SECTOR_SIZE, true);
      this.#end += size;
      this.#dirty = true;
    }
  }

  flush(leaves: number): LayoutMark {
    this.#writeTable();
    return { end: this.#history.stateAt(leaves, this.#end), leaves };
  }

  finish(): void {
    this.#writeTable();
    const { descriptor, tableCount, directory, redundantDirectory, overhead } = this.#places;
    this.#writeDirectory(directory, tableCount);
    this.#writeDirectory(redundantDirectory, tableCount);
    if (descriptor.length > 0) this.#file.write(descriptor.offset, encodeDescriptor(this.#plan));
    this.#file.truncate(this.#end);
    const header = encodeSparseHeader({
      size: SECTOR_SIZE,
      version: 1,
      capacity: this.#plan.virtualSize,
      grainSize: WRITTEN_GRAIN_SIZE,
      tableEntries: TABLE_ENTRIES,
      descriptor,
      redundantDirectoryOffset: redundantDirectory.offset,
      directoryOffset: directory.offset,
      overhead,
      compressed: false,
      markers: false,
      zeroedGrains: false,
      uncleanShutdown: false,
    });
    this.#file.write(0, header);
  }

  #enter(tableIndex: number): void {
    if (tableIndex === this.#tableIndex) return;
    this.#writeTable();
    this.#table.fill(0);
    this.#tableIndex = tableIndex;
  }

  #writeTable(): void {
    if (!this.#dirty) return;
    const within = this.#tableIndex * TABLE_SIZE;
    // First the set that a resume looks at.
    this.#file.write(this.#places.directory.tables + within, this.#table);
    this.#file.write(this.#places.redundantDirectory.tables + within, this.#table);
    this.#dirty = false;
  }

  /** Takes up the table in which the first unit to come lies, and forgets the entries that an interrupted run made from that unit on. */
  #reload(unit: number): void {
    const kept = unit % TABLE_ENTRIES;
    this.#clearTables(Math.ceil(unit / TABLE_ENTRIES));
    if (kept === 0) return;
    this.#tableIndex = Math.floor(unit / TABLE_ENTRIES);
    this.#file.read(this.#places.directory.tables + this.#tableIndex * TABLE_SIZE, this.#table);
    this.#table.fill(0, kept * 4);
    this.#dirty = true;
  }

  /** Most tables are holes of the file, so they are read, and written only where that empties one. */
  #clearTables(first: number): void {
    const { tableCount, directory, redundantDirectory } = this.#places;
    const end = tableCount * TABLE_SIZE;
    const piece = new Uint8Array(CLEAR_PIECE);
    const zeros = new Uint8Array(CLEAR_PIECE);
    for (let within = first * TABLE_SIZE; within < end; within += piece.length) {
      const bytes = piece.subarray(0, Math.min(piece.length, end - within));
      this.#file.read(directory.tables + within, bytes);
      if (Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0) continue;
      this.#file.write(directory.tables + within, zeros.subarray(0, bytes.length));
      this.#file.write(redundantDirectory.tables + within, zeros.subarray(0, bytes.length));
    }
  }

  #writeDirectory(directory: DirectoryPlace, tableCount: number): void {
    const piece = new Uint32Array(Math.min(tableCount, DIRECTORY_PIECE));
    const bytes = new DataView(piece.buffer);
    for (let done = 0; done < tableCount; done += piece.length) {
      const count = Math.min(piece.length, tableCount - done);
      for (let at = 0; at < count; at += 1) bytes.setUint32(at * 4, (directory.tables + (done + at) * TABLE_SIZE) / SECTOR_SIZE, true);
      this.#file.write(directory.offset + done * 4, new Uint8Array(piece.buffer, 0, count * 4));
    }
  }
}

interface DirectoryPlace {
  readonly offset: number;
  readonly tables: number;
}

interface SparsePlaces {
  readonly descriptor: ByteRange;
  readonly tableCount: number;
  readonly redundantDirectory: DirectoryPlace;
  readonly directory: DirectoryPlace;
  readonly overhead: number;
}

/** The extents of a split disk share one that is a file of its own. */
const NO_DESCRIPTOR = { offset: 0, length: 0 } as const;

function toPlaces(plan: VmdkPlan): SparsePlaces {
  const tableCount = Math.ceil(plan.virtualSize / WRITTEN_TABLE_SPAN);
  const directorySize = roundUp(tableCount * 4, SECTOR_SIZE);
  const placeAt = (offset: number): DirectoryPlace => ({ offset, tables: offset + directorySize });
  const descriptor = plan.subformat === 'monolithicSparse' ? EMBEDDED_DESCRIPTOR : NO_DESCRIPTOR;
  const redundantDirectory = placeAt(descriptor.length > 0 ? endOf(descriptor) : SECTOR_SIZE);
  const directory = placeAt(redundantDirectory.tables + tableCount * TABLE_SIZE);
  const overhead = roundUp(directory.tables + tableCount * TABLE_SIZE, WRITTEN_GRAIN_SIZE);
  return { descriptor, tableCount, redundantDirectory, directory, overhead };
}

/** Grain tables count sectors in 32 bits. */
export const tooMuch = (): HyperError =>
  new HyperError('image/too-large', 'This disk holds more than the 2 TiB of data that fit into one VMDK file.', {
    detail: { format: 'vmdk', limit: SPARSE_FILE_MAX },
  });

// Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents".
import { LEAF_SIZE, roundUp } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import { EMBEDDED_DESCRIPTOR, encodeDescriptor } from './descriptor-text.ts';
import { encodeTableMarker } from './marker.ts';
import { PlaceHistory } from '../place-history.ts';
import { encodeSparseHeader } from './sparse-header.ts';
import { tooMuch } from './sparse-layout.ts';
import { reloadDirectory, reloadTable } from './stream-reload.ts';
import { SECTOR_SIZE, SPARSE_FILE_MAX, TABLE_ENTRIES, TABLE_SIZE } from './vmdk-limits.ts';
import { WRITTEN_GRAIN_SIZE, WRITTEN_TABLE_SPAN, type VmdkPlan } from './vmdk-plan.ts';

const UNITS_PER_LEAF = LEAF_SIZE / WRITTEN_GRAIN_SIZE;

/** Header and descriptor, with room for a longer one: 128 sectors, as VMware leaves. */
const STREAM_OVERHEAD = 128 * SECTOR_SIZE;

/** What a mark holds: where the next bytes go, and where the last table lies (0: none yet). */
interface StreamState {
  readonly end: number;
  readonly lastTable: number;
}

/**
 * streamOptimized: grains in disk order, each table after its last grain, then directory, footer and end marker. The directory is held in memory,
 * 4 bytes for every 32 MiB of disk. Nothing is written for a resume: the stream itself tells where its tables are (`stream-reload.ts`).
 */
export class StreamLayout implements Layout {
  readonly #plan: VmdkPlan;
  readonly #file: WritableFile;
  readonly #history = new PlaceHistory<StreamState>();
  readonly #directory: Uint32Array;
  readonly #table = new Uint32Array(TABLE_ENTRIES);
  #tableIndex = -1;
  #state: StreamState = { end: STREAM_OVERHEAD, lastTable: 0 };

  constructor(plan: VmdkPlan, file: WritableFile, resume?: LayoutMark) {
    this.#plan = plan;
    this.#file = file;
    this.#directory = new Uint32Array(Math.ceil(plan.virtualSize / WRITTEN_TABLE_SPAN));
    if (!resume) return;
    const lastTable = Number(resume['lastTable']);
    this.#state = { end: resume.end, lastTable };
    reloadDirectory(file, { start: STREAM_OVERHEAD, lastTable }, this.#directory);
    const start = lastTable === 0 ? STREAM_OVERHEAD : lastTable + TABLE_SIZE;
    this.#tableIndex = reloadTable(file, { start, end: resume.end, units: resume.leaves * UNITS_PER_LEAF }, this.#table);
  }

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    this.#history.record(leaf, this.#state);
    const first = leaf * UNITS_PER_LEAF;
    this.#enter(Math.floor(first / TABLE_ENTRIES));
    let { end } = this.#state;
    for (let unit = 0; unit < sizes.length; unit += 1) {
      const size = sizes[unit] ?? 0;
      if (size === 0) continue;
      if (end + size > SPARSE_FILE_MAX) throw tooMuch();
      offsets[unit] = end;
      this.#table[(first + unit) % TABLE_ENTRIES] = end / SECTOR_SIZE;
      end += size;
    }
    this.#state = { ...this.#state, end };
  }

  flush(leaves: number): LayoutMark {
    return { ...this.#history.stateAt(leaves, this.#state), leaves };
  }

  finish(): void {
    this.#emitTable();
    const directorySize = this.#directory.length * 4;
    const bytes = toBytes(this.#directory);
    const directoryOffset = this.#append(encodeTableMarker('grain-directory', directorySize)) + SECTOR_SIZE;
    this.#append(bytes);
    this.#append(encodeTableMarker('footer', SECTOR_SIZE));
    this.#append(this.#header(directoryOffset));
    this.#append(encodeTableMarker('end-of-stream', 0));
    this.#file.write(EMBEDDED_DESCRIPTOR.offset, encodeDescriptor(this.#plan));
    this.#file.truncate(this.#state.end);
    this.#file.write(0, this.#header(undefined));
  }

  #header(directoryOffset: number | undefined): Uint8Array {
    return encodeSparseHeader({
      size: SECTOR_SIZE,
      version: 3,
      capacity: this.#plan.virtualSize,
      grainSize: WRITTEN_GRAIN_SIZE,
      tableEntries: TABLE_ENTRIES,
      descriptor: EMBEDDED_DESCRIPTOR,
      redundantDirectoryOffset: undefined,
      directoryOffset,
      overhead: STREAM_OVERHEAD,
      compressed: true,
      markers: true,
      zeroedGrains: false,
      uncleanShutdown: false,
    });
  }

  #enter(tableIndex: number): void {
    if (tableIndex === this.#tableIndex) return;
    this.#emitTable();
    this.#tableIndex = tableIndex;
  }

  /** Puts the table of the grains so far behind them. */
  #emitTable(): void {
    if (!this.#table.some((sector) => sector > 0)) return;
    const offset = this.#append(encodeTableMarker('grain-table', TABLE_SIZE)) + SECTOR_SIZE;
    this.#append(toBytes(this.#table));
    this.#directory[this.#tableIndex] = offset / SECTOR_SIZE;
    this.#state = { ...this.#state, lastTable: offset };
    this.#table.fill(0);
  }

  /** Answers where the bytes went. */
  #append(bytes: Uint8Array): number {
    const offset = this.#state.end;
    if (offset + bytes.length > SPARSE_FILE_MAX) throw tooMuch();
    this.#file.write(offset, bytes);
    this.#state = { ...this.#state, end: offset + bytes.length };
    return offset;
  }
}

/** Little-endian, filled up to whole sectors. */
function toBytes(values: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(roundUp(values.length * 4, SECTOR_SIZE));
  const view = new DataView(bytes.buffer);
  values.forEach((value, at) => view.setUint32(at * 4, value, true));
  return bytes;
}

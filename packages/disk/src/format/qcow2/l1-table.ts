// QEMU docs/interop/qcow2, "Cluster mapping", "L1 table entry".
import { KIB, MIB } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { BoundedCache } from '../bounded-cache.ts';
import type { Header } from './header.ts';
import { tableCoverage, type Region } from './inspect-header.ts';
import { malformed } from './malformed.ts';
import { OffsetSet } from './offset-set.ts';

/** A table of up to 32 MiB is read in pieces; one piece maps 2 TiB of a disk with 64 KiB clusters. */
const PIECE_SIZE = 32 * KIB;
const PIECE_ENTRIES = PIECE_SIZE / 8;
const PIECES_KEPT = 8;
/** Up to this size the whole table is checked at opening, which covers 64 TiB with clusters of 64 KiB; a larger one is checked piece by piece, as it is read. */
const CHECKED_AT_ONCE = MIB;
/** Offsets remembered to find a table that is used twice: 16 MiB of them. In an image with more L2 tables a second use of the others goes unseen; it costs nothing but reading. */
const SEEN_MAX = MIB;

/** Answers where the L2 tables lie. An entry is checked before it is answered. */
export class L1Table {
  readonly #file: ByteFile;
  readonly #header: Header;
  readonly #regions: readonly Region[];
  readonly #count: number;
  readonly #pieces = new BoundedCache<Float64Array>(PIECES_KEPT);
  readonly #checked: Uint8Array;
  readonly #seen = new OffsetSet(SEEN_MAX);

  constructor(file: ByteFile, header: Header, regions: readonly Region[]) {
    this.#file = file;
    this.#header = header;
    this.#regions = regions;
    // A table may be larger than the disk needs (a saved machine state lies behind it); what does not map the disk is not read.
    this.#count = Math.ceil(header.virtualSize / tableCoverage(header));
    this.#checked = new Uint8Array(Math.ceil(this.#count / PIECE_ENTRIES));
  }

  /** Reads and checks the table once, unless it is so large that this waits until its pieces are needed. */
  inspect(): void {
    if (this.#count * 8 > CHECKED_AT_ONCE) return;
    for (let piece = 0; piece < this.#checked.length; piece += 1) this.#piece(piece);
  }

  /** Offset of an L2 table, 0 when there is none. */
  offsetOf(index: number): number {
    return this.#piece(Math.floor(index / PIECE_ENTRIES))[index % PIECE_ENTRIES] ?? 0;
  }

  /** First index at or after `index`, below `end`, that has an L2 table; `end` when none has. */
  nextPresent(index: number, end: number): number {
    let at = index;
    while (at < end) {
      const piece = this.#piece(Math.floor(at / PIECE_ENTRIES));
      const pieceEnd = Math.min(end, (Math.floor(at / PIECE_ENTRIES) + 1) * PIECE_ENTRIES);
      while (at < pieceEnd && piece[at % PIECE_ENTRIES] === 0) at += 1;
      if (at < pieceEnd) return at;
    }
    return end;
  }

  #piece(number: number): Float64Array {
    return this.#pieces.get(number, this.#load);
  }

  readonly #load = (number: number): Float64Array => {
    const first = number * PIECE_ENTRIES;
    const offsets = new Float64Array(Math.min(PIECE_ENTRIES, this.#count - first));
    const bytes = new Uint8Array(offsets.length * 8);
    const start = this.#header.l1.offset + first * 8;
    this.#file.read(start, bytes);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < offsets.length; at += 1) {
      const high = view.getUint32(at * 8);
      const low = view.getUint32(at * 8 + 4);
      if (high !== 0 || low !== 0) offsets[at] = this.#parseEntry({ high, low, place: start + at * 8, isNew: this.#checked[number] === 0 });
    }
    this.#checked[number] = 1;
    return offsets;
  };

  #parseEntry({ high, low, place, isNew }: { readonly high: number; readonly low: number; readonly place: number; readonly isNew: boolean }): number {
    const { path, size } = this.#file;
    const { clusterSize } = this.#header;
    if ((high & 0x7f_00_00_00) !== 0 || (low & 0x1ff) !== 0) throw malformed(path, 'an L1 entry has reserved bits set', place);
    const offset = (high & 0x00_ff_ff_ff) * 2 ** 32 + low;
    if (offset === 0) return 0;
    if (offset % clusterSize !== 0) throw malformed(path, `an L1 entry points to byte ${offset}, which is not aligned to a cluster`, place);
    if (offset + clusterSize > size) throw malformed(path, `an L1 entry points to byte ${offset}, past the end of the file at ${size}`, place);
    const region = this.#regions.find(({ start, end }) => offset < end && start < offset + clusterSize);
    if (region) throw malformed(path, `an L1 entry points into the ${region.name}`, place);
    if (isNew && !this.#seen.add(offset)) throw malformed(path, `the L2 table at byte ${offset} is used twice`, place);
    return offset;
  }
}

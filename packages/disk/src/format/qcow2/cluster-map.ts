// QEMU docs/interop/qcow2, "Cluster mapping" and "Extended L2 Entries".
import { GIB, MIB } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { BoundedCache } from '../bounded-cache.ts';
import { hasFeature, type Header } from './header.ts';
import { tableCoverage, type Region } from './inspect-header.ts';
import { L1Table } from './l1-table.ts';
import { malformed } from './malformed.ts';

/** Memory for L2 tables of one image; one table at least is kept. A table of 64 KiB maps 512 MiB, so a walk in order needs each table once. */
const TABLES_KEPT_SIZE = 2 * MIB;
/** With small clusters the count is bounded too, for a map of thousands of entries costs more than reading a table again. */
const TABLES_KEPT_MAX = 256;
const SECTOR_SIZE = 512;
/** A run that is mapped ends after so many bytes, so that a walk answers before it has gone through the whole disk. */
export const RUN_LENGTH_MAX = GIB;
/** What is absent costs little where there are no tables; where they are there and empty, a run ends after so many pieces. */
const LOOKS_MAX = 64;
export const SUBCLUSTERS = 32;

/** What the L2 tables say about a run of the disk. `absent` reads from the backing file, or as zeros. */
export interface ClusterRun {
  readonly kind: 'data' | 'zero' | 'absent' | 'compressed';
  /** Bytes of the disk from the offset that was asked for. A compressed run ends with its cluster. */
  readonly length: number;
  /** Data: where the first byte lies in the file that holds the content. Compressed: where the stream starts. Otherwise 0. */
  readonly host: number;
  /** Compressed: bytes from `host` on that hold the stream and what pads its last sector. */
  readonly stored: number;
}

/** Where the tables lie and which files they point into. */
export interface ClusterMapParts {
  readonly file: ByteFile;
  readonly header: Header;
  readonly regions: readonly Region[];
  readonly dataFile?: ByteFile | undefined;
}

/**
 * Answers where the bytes of the disk lie, from L1 and L2 tables that are read when they are needed. Every entry is checked before it is answered.
 * Entries are taken as two 32-bit halves: both fit JavaScript's bitwise operators (`>>> 0` where the sign shows), their sum is made by arithmetic.
 */
export class ClusterMap {
  readonly #l1: L1Table;
  readonly #file: ByteFile;
  readonly #dataFile: ByteFile | undefined;
  readonly #dataSize: number;
  readonly #regions: readonly Region[];
  readonly #version: number;
  readonly #virtualSize: number;
  readonly #clusterSize: number;
  readonly #extended: boolean;
  readonly #coverage: number;
  readonly #hostHighBits: number;
  readonly #tables: BoundedCache<DataView>;
  readonly #metadataEnd: number;

  // The piece looked at last: it starts at the offset asked for and ends before `#end`. Fields instead of an object, for a full disk has millions of pieces.
  #kind: ClusterRun['kind'] = 'absent';
  #host = 0;
  #stored = 0;
  #end = 0;
  #tableIndex = -1;
  #table: DataView | undefined;

  constructor({ file, header, regions, dataFile }: ClusterMapParts) {
    this.#file = file;
    this.#dataFile = dataFile;
    this.#dataSize = (dataFile ?? file).size;
    this.#regions = regions;
    this.#version = header.version;
    this.#virtualSize = header.virtualSize;
    this.#clusterSize = header.clusterSize;
    this.#extended = hasFeature(header, 'extendedL2');
    this.#coverage = tableCoverage(header);
    // "Compressed Clusters Descriptor": the host offset has 62 - (cluster_bits - 8) bits, of which 32 are in the low half.
    this.#hostHighBits = 62 - (header.clusterBits - 8) - 32;
    this.#tables = new BoundedCache(Math.min(TABLES_KEPT_MAX, Math.max(1, Math.floor(TABLES_KEPT_SIZE / header.clusterSize))));
    this.#metadataEnd = Math.max(...regions.map((region) => region.end));
    this.#l1 = new L1Table(file, header, regions);
  }

  inspect(): void {
    this.#l1.inspect();
  }

  /** The longest run from `offset` on, up to `lengthMax` bytes, that is of one kind and, for data, contiguous in the file. The range lies inside the disk. */
  runAt(offset: number, lengthMax: number): ClusterRun {
    const limit = Math.min(offset + lengthMax, this.#virtualSize);
    this.#look(offset, limit);
    const kind = this.#kind;
    const host = this.#host;
    const stored = this.#stored;
    let end = this.#end;
    let looks = 0;
    while (end < limit && kind !== 'compressed' && (kind === 'absent' ? looks < LOOKS_MAX : end - offset < RUN_LENGTH_MAX)) {
      looks += 1;
      this.#look(end, limit);
      if (this.#kind !== kind || (kind === 'data' && this.#host !== host + (end - offset))) break;
      end = this.#end;
    }
    return { kind, length: Math.min(end, limit) - offset, host, stored };
  }

  /** Whether the first L2 table, if there is one, maps a compressed cluster. */
  startsCompressed(): boolean {
    const count = Math.ceil(this.#virtualSize / this.#coverage);
    const first = this.#l1.nextPresent(0, count);
    if (first === count) return false;
    const table = this.#tableAt(first);
    const step = this.#extended ? 16 : 8;
    for (let at = 0; table && at < table.byteLength; at += step) {
      if ((table.getUint32(at) & 0x40_00_00_00) !== 0) return true;
    }
    return false;
  }

  /** Settles the piece at `offset`. It may end behind `limit`, the end of what is asked for. */
  #look(offset: number, limit: number): void {
    const index = Math.floor(offset / this.#coverage);
    const table = this.#tableAt(index);
    if (!table) {
      const next = this.#l1.nextPresent(index + 1, Math.ceil(limit / this.#coverage));
      this.#settle('absent', next * this.#coverage);
      return;
    }
    const within = offset - index * this.#coverage;
    const inCluster = within % this.#clusterSize;
    const entry = (within - inCluster) / this.#clusterSize;
    if (this.#extended) return this.#lookExtended({ table, entry, offset, inCluster });
    this.#lookStandard({ table, entry, offset, inCluster });
    if (this.#end < limit && this.#kind !== 'compressed') this.#skipAlike(table, entry, limit);
  }

  #tableAt(index: number): DataView | undefined {
    if (index === this.#tableIndex) return this.#table;
    const at = this.#l1.offsetOf(index);
    // Should the load fail, the table known so far may have been overwritten by it.
    this.#tableIndex = -1;
    this.#table = at === 0 ? undefined : this.#tables.get(at, this.#loadTable);
    this.#tableIndex = index;
    return this.#table;
  }

  readonly #loadTable = (at: number, dropped: DataView | undefined): DataView => {
    const table = dropped ?? new DataView(new ArrayBuffer(this.#clusterSize));
    this.#file.read(at, new Uint8Array(table.buffer));
    return table;
  };

  #settle(kind: 'zero' | 'absent', end: number): void {
    this.#kind = kind;
    this.#host = 0;
    this.#stored = 0;
    this.#end = end;
  }

  #lookStandard({ table, entry, offset, inCluster }: Looked): void {
    const high = table.getUint32(entry * 8);
    const low = table.getUint32(entry * 8 + 4);
    const end = offset - inCluster + this.#clusterSize;
    if (high === 0 && low === 0) return this.#settle('absent', end);
    if ((high & 0x40_00_00_00) !== 0) return this.#settleCompressed({ high, low, entry, end });
    const host = this.#parseHost({ high, low, entry, guest: offset - inCluster });
    if ((low & 1) !== 0) {
      if (this.#version === 2) throw this.#malformed('an L2 entry has the zero flag, which version 2 does not know', entry);
      return this.#settle('zero', end);
    }
    if (host === undefined) return this.#settle('absent', end);
    this.#settleData({ host, inCluster, entry, end });
  }

  /** Most entries are like the one before: absent, zero without a cluster, or data in the next cluster of the file. These need not be looked at one by one. */
  #skipAlike(table: DataView, entry: number, limit: number): void {
    const clusterSize = this.#clusterSize;
    const high = table.getUint32(entry * 8);
    const low = table.getUint32(entry * 8 + 4);
    const isData = this.#kind === 'data';
    const host = (high & 0x00_ff_ff_ff) * 2 ** 32 + low;
    // What lies below the end of the tables or reaches past the end of the file is checked entry by entry, and so is a change of the high half.
    if (isData ? host < this.#metadataEnd || this.#dataFile !== undefined : high !== 0 || low > 1) return;
    const inFile = isData ? Math.floor((this.#dataSize - 1 - host) / clusterSize) : Number.POSITIVE_INFINITY;
    const more = Math.min(Math.ceil((limit - this.#end) / clusterSize), table.byteLength / 8 - entry - 1, inFile);
    const step = isData ? clusterSize : 0;
    let count = 0;
    while (
      count < more &&
      table.getUint32((entry + count + 1) * 8 + 4) === low + (count + 1) * step &&
      table.getUint32((entry + count + 1) * 8) === high
    )
      count += 1;
    this.#end += count * clusterSize;
  }

  #lookExtended({ table, entry, offset, inCluster }: Looked): void {
    const high = table.getUint32(entry * 16);
    const low = table.getUint32(entry * 16 + 4);
    const zeros = table.getUint32(entry * 16 + 8);
    const allocated = table.getUint32(entry * 16 + 12);
    const clusterStart = offset - inCluster;
    if ((high & 0x40_00_00_00) !== 0) {
      if (zeros !== 0 || allocated !== 0) throw this.#malformed('a compressed cluster has sub-cluster bits set', entry);
      return this.#settleCompressed({ high, low, entry, end: clusterStart + this.#clusterSize });
    }
    if ((low & 1) !== 0) throw this.#malformed('an extended L2 entry has the zero flag of a standard entry', entry);
    if ((zeros & allocated) !== 0) throw this.#malformed('a sub-cluster is marked as allocated and as zero', entry);
    const host = this.#parseHost({ high, low, entry, guest: clusterStart });
    if (host === undefined && allocated !== 0) throw this.#malformed('a sub-cluster is allocated in a cluster that is not', entry);

    const first = Math.floor((inCluster * SUBCLUSTERS) / this.#clusterSize);
    const zeroBit = (zeros >>> first) & 1;
    const dataBit = (allocated >>> first) & 1;
    let next = first + 1;
    while (next < SUBCLUSTERS && ((zeros >>> next) & 1) === zeroBit && ((allocated >>> next) & 1) === dataBit) next += 1;
    const end = clusterStart + (next * this.#clusterSize) / SUBCLUSTERS;
    if (dataBit === 1 && host !== undefined) this.#settleData({ host, inCluster, entry, end });
    else this.#settle(zeroBit === 1 ? 'zero' : 'absent', end);
  }

  /** The host offset of a standard cluster, undefined when it has none. */
  #parseHost({
    high,
    low,
    entry,
    guest,
  }: {
    readonly high: number;
    readonly low: number;
    readonly entry: number;
    readonly guest: number;
  }): number | undefined {
    if ((high & 0x3f_00_00_00) !== 0 || (low & 0x1fe) !== 0) throw this.#malformed('an L2 entry has reserved bits set', entry);
    const host = (high & 0x00_ff_ff_ff) * 2 ** 32 + ((low & 0xff_ff_fe_00) >>> 0);
    const isCopied = (high & 0x80_00_00_00) !== 0;
    if (host === 0 && !(isCopied && this.#dataFile)) return undefined;
    if (host % this.#clusterSize !== 0) throw this.#malformed(`an L2 entry points to byte ${host}, which is not aligned to a cluster`, entry);
    if (this.#dataFile && host !== guest)
      throw this.#malformed(`an L2 entry points to byte ${host} of the external data file instead of ${guest}`, entry);
    return host;
  }

  #settleData({
    host,
    inCluster,
    entry,
    end,
  }: {
    readonly host: number;
    readonly inCluster: number;
    readonly entry: number;
    readonly end: number;
  }): void {
    // The last cluster of a file may be cut short: QEMU reads the rest as zeros. One that starts behind the end is lost content.
    if (host >= this.#dataSize)
      throw this.#malformed(`an L2 entry points to byte ${host}, past the end of ${(this.#dataFile ?? this.#file).path} at ${this.#dataSize}`, entry);
    if (host < this.#metadataEnd && !this.#dataFile) this.#checkApart({ start: host, end: host + this.#clusterSize, entry });
    this.#kind = 'data';
    this.#host = host + inCluster;
    this.#stored = 0;
    this.#end = end;
  }

  #settleCompressed({ high, low, entry, end }: { readonly high: number; readonly low: number; readonly entry: number; readonly end: number }): void {
    if (this.#dataFile) throw this.#malformed('a cluster is compressed although there is an external data file', entry);
    const descriptor = high & 0x3f_ff_ff_ff;
    const hostHigh = descriptor % 2 ** this.#hostHighBits;
    if (hostHigh >= 2 ** 24) throw this.#malformed('a compressed cluster has offset bits set beyond bit 55', entry);
    const host = hostHigh * 2 ** 32 + low;
    const sectors = Math.floor(descriptor / 2 ** this.#hostHighBits) + 1;
    const storedEnd = (Math.floor(host / SECTOR_SIZE) + sectors) * SECTOR_SIZE;
    const size = this.#file.size;
    // Sectors are counted whole; the file may end inside the last one.
    if (host >= size || storedEnd > Math.ceil(size / SECTOR_SIZE) * SECTOR_SIZE) {
      throw this.#malformed(`a compressed cluster lies at bytes ${host} to ${storedEnd}, past the end of the file at ${size}`, entry);
    }
    if (host < this.#metadataEnd) this.#checkApart({ start: host, end: storedEnd, entry });
    this.#kind = 'compressed';
    this.#host = host;
    this.#stored = Math.min(storedEnd, size) - host;
    this.#end = end;
  }

  #checkApart({ start, end, entry }: { readonly start: number; readonly end: number; readonly entry: number }): void {
    const region = this.#regions.find((each) => start < each.end && each.start < end);
    if (region) throw this.#malformed(`an L2 entry points into the ${region.name}`, entry);
  }

  #malformed(why: string, entry: number): Error {
    return malformed(this.#file.path, why, this.#l1.offsetOf(this.#tableIndex) + entry * (this.#extended ? 16 : 8));
  }
}

interface Looked {
  readonly table: DataView;
  readonly entry: number;
  readonly offset: number;
  /** Offset of the byte inside its cluster. */
  readonly inCluster: number;
}

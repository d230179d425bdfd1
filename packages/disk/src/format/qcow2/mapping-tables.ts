// QEMU docs/interop/qcow2, "Cluster mapping" and "Extended L2 Entries".
import type { WritableFile } from '../../file/byte-file.ts';
import { OffsetTable } from './offset-table.ts';
import type { Geometry, Qcow2Plan } from './plan.ts';
import { writeTables, type PlacedTable } from './write-tables.ts';

/** Bit 63 of an L1 or L2 entry: what it points to is used once. */
const COPIED_HIGH = 0x80_00_00_00;
/** Bit 62 of an L2 entry. */
const COMPRESSED_HIGH = 0x40_00_00_00;
const SECTOR_SIZE = 512;

/** L1 and L2 tables of an image in the making. Clusters are mapped in rising order, so an L2 table is written once its last cluster is behind, and forgotten. */
export class MappingTables {
  readonly #file: WritableFile;
  readonly #geometry: Geometry;
  readonly #extended: boolean;
  readonly #hostHighBits: number;
  readonly #l1: OffsetTable;
  readonly #open = new Map<number, PlacedTable>();

  constructor(file: WritableFile, plan: Qcow2Plan, geometry: Geometry) {
    this.#file = file;
    this.#geometry = geometry;
    this.#extended = plan.extendedL2;
    // "Compressed Clusters Descriptor": the host offset has 62 - (cluster_bits - 8) bits, of which 32 are in the low half.
    this.#hostHighBits = 62 - (plan.clusterBits - 8) - 32;
    this.#l1 = new OffsetTable(file, { offset: geometry.l1Offset, count: geometry.l1Count, highFlags: COPIED_HIGH });
  }

  isOpen(table: number): boolean {
    return this.#open.has(table);
  }

  /** Adds L2 tables that lie one after the other from `offset` on. */
  add(tables: readonly number[], offset: number): void {
    const { clusterSize } = this.#geometry;
    const bytes = Buffer.alloc(tables.length * clusterSize);
    for (const [each, table] of tables.entries()) {
      this.#open.set(table, { offset: offset + each * clusterSize, bytes: bytes.subarray(each * clusterSize, (each + 1) * clusterSize) });
      this.#l1.set(table, offset + each * clusterSize);
    }
  }

  /** Maps a cluster that is stored as it is. `subclusters`: which of its 32 parts hold data, for extended entries. */
  mapPlain(cluster: number, host: number, subclusters: number): void {
    const { table, at } = this.#entry(cluster);
    table.writeUInt32BE(COPIED_HIGH + Math.floor(host / 2 ** 32), at);
    table.writeUInt32BE(host % 2 ** 32, at + 4);
    if (this.#extended) table.writeUInt32BE(subclusters, at + 12);
  }

  /** Maps a cluster that reads as zeros whatever the backing file holds there. Bit 0 of a standard entry. */
  mapZero(cluster: number): void {
    const { table, at } = this.#entry(cluster);
    table.writeUInt32BE(0, at);
    table.writeUInt32BE(1, at + 4);
  }

  /** Maps a cluster whose compressed stream of `length` bytes lies at `host`. */
  mapCompressed(cluster: number, host: number, length: number): void {
    const { table, at } = this.#entry(cluster);
    const moreSectors = Math.floor((host + length - 1) / SECTOR_SIZE) - Math.floor(host / SECTOR_SIZE);
    table.writeUInt32BE(COMPRESSED_HIGH + moreSectors * 2 ** this.#hostHighBits + Math.floor(host / 2 ** 32), at);
    table.writeUInt32BE(host % 2 ** 32, at + 4);
  }

  /** Writes the L2 tables of which every cluster is below `end`. */
  writeComplete(end: number): void {
    const complete: PlacedTable[] = [];
    for (const [table, placed] of this.#open) {
      if ((table + 1) * this.#geometry.entriesPerTable > end) continue;
      complete.push(placed);
      this.#open.delete(table);
    }
    writeTables(this.#file, complete);
  }

  flush(): void {
    writeTables(this.#file, [...this.#open.values()]);
    this.#l1.flush();
  }

  /** Goes back to a state in which the clusters below `end` were mapped and the file ended at `fileEnd`, whatever was written since. */
  restore({ end, fileEnd }: { readonly end: number; readonly fileEnd: number }): void {
    const { entriesPerTable, entrySize, clusterSize } = this.#geometry;
    this.#l1.restore((table, offset) => table * entriesPerTable < end && offset < fileEnd);
    if (end % entriesPerTable === 0) return;
    const table = Math.floor(end / entriesPerTable);
    const offset = table < this.#geometry.l1Count ? this.#l1.get(table) : 0;
    if (offset === 0) return;
    const bytes = Buffer.alloc(clusterSize);
    this.#file.read(offset, bytes);
    bytes.fill(0, (end % entriesPerTable) * entrySize);
    this.#open.set(table, { offset, bytes });
  }

  #entry(cluster: number): { readonly table: Buffer; readonly at: number } {
    const { entriesPerTable, entrySize } = this.#geometry;
    const table = this.#open.get(Math.floor(cluster / entriesPerTable));
    if (!table) throw new RangeError(`The L2 table of cluster ${cluster} is not open.`);
    return { table: table.bytes, at: (cluster % entriesPerTable) * entrySize };
  }
}

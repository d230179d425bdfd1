// QEMU docs/interop/qcow2, "Host cluster management".
import type { WritableFile } from '../../file/byte-file.ts';
import { OffsetTable } from './offset-table.ts';
import type { Geometry } from './plan.ts';
import { writeTables, type PlacedTable } from './write-tables.ts';

/** Counts beyond this are never reached, so wider fields are filled up with zeros. */
const COUNT_MAX = 2 ** 31;

/**
 * The reference counts of an image in the making. Clusters are taken in rising order, so a refcount block is written once it is behind the end of the file and left alone afterwards;
 * only the block of the cluster that still takes compressed streams stays open longer.
 */
export class Refcounts {
  readonly countMax: number;
  readonly #file: WritableFile;
  readonly #geometry: Geometry;
  readonly #bits: number;
  readonly #table: OffsetTable;
  readonly #open = new Map<number, PlacedTable>();
  #blockCount = 0;

  constructor(file: WritableFile, geometry: Geometry) {
    this.#file = file;
    this.#geometry = geometry;
    this.#bits = (geometry.clusterSize * 8) / geometry.blockEntries;
    this.countMax = Math.min(2 ** this.#bits - 1, COUNT_MAX);
    this.#table = new OffsetTable(file, { offset: geometry.refcountTableOffset, count: geometry.refcountTableSize / 8, highFlags: 0 });
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  /** Blocks that are missing to count `clusters` clusters and the new blocks themselves. */
  blocksMissing(clusters: number): number {
    const { blockEntries } = this.#geometry;
    let missing = 0;
    while ((this.#blockCount + missing) * blockEntries < clusters + missing) missing += 1;
    return missing;
  }

  /** Adds blocks that lie one after the other from `offset` on. Their own clusters still have to be counted. */
  addBlocks(offset: number, count: number): void {
    const { clusterSize } = this.#geometry;
    const bytes = Buffer.alloc(count * clusterSize);
    for (let each = 0; each < count; each += 1) {
      this.#open.set(this.#blockCount, { offset: offset + each * clusterSize, bytes: bytes.subarray(each * clusterSize, (each + 1) * clusterSize) });
      this.#table.set(this.#blockCount, offset + each * clusterSize);
      this.#blockCount += 1;
    }
  }

  /** Sets the count of `length` clusters from `cluster` on. They must be covered by open blocks. */
  set(cluster: number, count: number, length = 1): void {
    const { blockEntries } = this.#geometry;
    for (let at = cluster; at < cluster + length; at += 1) {
      const block = this.#open.get(Math.floor(at / blockEntries));
      if (!block) throw new RangeError(`The refcount block of cluster ${at} is not open.`);
      writeCount(block.bytes, { index: at % blockEntries, bits: this.#bits, count });
    }
  }

  /** Writes the blocks that nothing will change any more: those behind `end`, but for the one of `stillOpen`. Both are numbers of clusters. */
  writeComplete(end: number, stillOpen: number | undefined): void {
    const { blockEntries } = this.#geometry;
    const complete: PlacedTable[] = [];
    for (const [index, block] of this.#open) {
      if ((index + 1) * blockEntries > end || (stillOpen !== undefined && Math.floor(stillOpen / blockEntries) === index)) continue;
      complete.push(block);
      this.#open.delete(index);
    }
    writeTables(this.#file, complete);
  }

  flush(): void {
    writeTables(this.#file, [...this.#open.values()]);
    this.#table.flush();
  }

  /** Goes back to a state in which `blockCount` blocks counted the clusters below `end`, of which `tail`, if any, had the count `tailCount`. */
  restore({
    blockCount,
    end,
    tail,
    tailCount,
  }: {
    readonly blockCount: number;
    readonly end: number;
    readonly tail: number | undefined;
    readonly tailCount: number;
  }): void {
    const { blockEntries, clusterSize } = this.#geometry;
    this.#blockCount = blockCount;
    this.#table.restore((index) => index < blockCount);
    const firstOpen = Math.floor(end / blockEntries);
    const open = Array.from({ length: Math.max(0, blockCount - firstOpen) }, (_, each) => firstOpen + each);
    const tailBlock = tail === undefined ? undefined : Math.floor(tail / blockEntries);
    if (tailBlock !== undefined && tailBlock < firstOpen) open.unshift(tailBlock);
    for (const index of open) {
      const bytes = Buffer.alloc(clusterSize);
      this.#file.read(this.#table.get(index), bytes);
      clearCounts(bytes, { from: Math.max(0, end - index * blockEntries), bits: this.#bits, entries: blockEntries });
      this.#open.set(index, { offset: this.#table.get(index), bytes });
    }
    if (tail !== undefined) this.set(tail, tailCount);
  }
}

/** "Refcount block entry": big-endian; below a byte, entry 0 is in the least significant bits. */
function writeCount(block: Buffer, { index, bits, count }: { readonly index: number; readonly bits: number; readonly count: number }): void {
  if (bits < 8) {
    const perByte = 8 / bits;
    const at = Math.floor(index / perByte);
    const shift = (index % perByte) * bits;
    const others = block.readUInt8(at) & ~((2 ** bits - 1) << shift);
    block.writeUInt8(others | (count << shift), at);
    return;
  }
  const width = bits / 8;
  const valueWidth = Math.min(width, 4);
  block.writeUIntBE(count, index * width + width - valueWidth, valueWidth);
}

function clearCounts(block: Buffer, { from, bits, entries }: { readonly from: number; readonly bits: number; readonly entries: number }): void {
  let index = Math.min(from, entries);
  while (index < entries && (index * bits) % 8 !== 0) {
    writeCount(block, { index, bits, count: 0 });
    index += 1;
  }
  block.fill(0, (index * bits) / 8);
}

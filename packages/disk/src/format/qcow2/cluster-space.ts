import type { WritableFile } from '../../file/byte-file.ts';
import type { Geometry } from './plan.ts';
import { Refcounts } from './refcounts.ts';

/** How far the file is filled. Plain numbers, so that they go into a mark. */
export interface SpaceState {
  /** End of the clusters in use. */
  readonly end: number;
  /** Where the compressed stream placed last ends; inside its host cluster, the next one may follow. */
  readonly packedTo: number;
  /** Streams that touch that host cluster. */
  readonly packedCount: number;
  readonly blockCount: number;
}

/** Hands out the clusters of the file in rising order and counts them. Compressed streams are packed byte by byte. */
export class ClusterSpace {
  readonly #clusterSize: number;
  readonly #refcounts: Refcounts;
  #end: number;
  #packedTo = 0;
  #packedCount = 0;

  constructor(file: WritableFile, geometry: Geometry) {
    this.#clusterSize = geometry.clusterSize;
    this.#refcounts = new Refcounts(file, geometry);
    this.#end = geometry.streamStart;
  }

  get state(): SpaceState {
    return { end: this.#end, packedTo: this.#packedTo, packedCount: this.#packedCount, blockCount: this.#refcounts.blockCount };
  }

  /** Counts the clusters that the header and its tables occupy. */
  start(): void {
    const clusters = this.#end / this.#clusterSize;
    this.takeTables(0, 0);
    this.#refcounts.set(0, 1, clusters);
    this.writeComplete();
  }

  /** Takes clusters for `tables` L2 tables and, behind them, for the refcount blocks that these and `contents` more clusters need. Answers where the tables start. */
  takeTables(tables: number, contents: number): number {
    const start = this.#end;
    const before = start / this.#clusterSize;
    const blocks = this.#refcounts.blocksMissing(before + tables + contents);
    this.#refcounts.addBlocks(start + tables * this.#clusterSize, blocks);
    this.#end += (tables + blocks) * this.#clusterSize;
    this.#refcounts.set(before, 1, tables + blocks);
    return start;
  }

  /** Takes a cluster and answers its offset. */
  takeCluster(): number {
    const at = this.#end;
    this.#end += this.#clusterSize;
    this.#refcounts.set(at / this.#clusterSize, 1);
    return at;
  }

  /**
   * Takes room for a compressed stream, shorter than a cluster. It follows the last one in the same host cluster as long as the refcount can count it,
   * and reaches into the next cluster when that is still free.
   */
  takeStream(length: number): number {
    const tail = this.#tail;
    const room = tail === undefined ? 0 : (tail + 1) * this.#clusterSize - this.#packedTo;
    const isLast = tail !== undefined && (tail + 1) * this.#clusterSize === this.#end;
    if (tail === undefined || this.#packedCount >= this.#refcounts.countMax || (length > room && !isLast)) {
      this.#packedTo = this.takeCluster();
      this.#packedCount = 1;
    } else {
      this.#packedCount += 1;
      this.#refcounts.set(tail, this.#packedCount);
      if (length > room) {
        this.takeCluster();
        this.#packedCount = 1;
      }
    }
    const at = this.#packedTo;
    this.#packedTo += length;
    return at;
  }

  /** Writes the refcount blocks that are final. */
  writeComplete(): void {
    this.#refcounts.writeComplete(this.#end / this.#clusterSize, this.#tail);
  }

  flush(): void {
    this.#refcounts.flush();
  }

  /** Goes back to `state`, whatever was written since. */
  restore(state: SpaceState, file: WritableFile): void {
    this.#end = state.end;
    this.#packedTo = state.packedTo;
    this.#packedCount = state.packedCount;
    const tail = this.#tail;
    this.#refcounts.restore({ blockCount: state.blockCount, end: state.end / this.#clusterSize, tail, tailCount: state.packedCount });
    if (tail !== undefined) file.write(state.packedTo, new Uint8Array((tail + 1) * this.#clusterSize - state.packedTo));
  }

  /** The host cluster that the last stream left partly free. */
  get #tail(): number | undefined {
    return this.#packedTo % this.#clusterSize === 0 ? undefined : Math.floor(this.#packedTo / this.#clusterSize);
  }
}

/** What is known of a grain: never written, recorded as zeros, or where its bytes begin in the file. */
export type GrainPlace = 'hole' | 'zero' | number;

/** Finds the grains of a sparse extent, whatever its tables look like. */
export interface GrainMap {
  readonly grainSize: number;
  /** Bytes of disk that one table covers. */
  readonly tableSpan: number;
  readonly tableCount: number;
  grain(index: number): GrainPlace;
  /** The first table from `index` on, below `end`, that may describe grains; `end` when there is none. */
  nextUsed(index: number, end: number): number;
}

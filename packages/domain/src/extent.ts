/** A run of a disk whose bytes are all of one kind. Offset and length are bytes. `zero` is recorded as zeros, `hole` was never written; both read as zeros. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly kind: 'data' | 'zero' | 'hole';
}

/** A span of a disk or file, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export const endOf = (range: ByteRange): number => range.offset + range.length;

/** Joins neighbours of one kind. The input is in order and does not overlap. */
export function* coalesce(extents: Iterable<Extent>): Generator<Extent> {
  let run: Extent | undefined;
  for (const next of extents) {
    if (run?.kind === next.kind && endOf(run) === next.offset) {
      run = { ...run, length: run.length + next.length };
    } else {
      if (run) yield run;
      run = next;
    }
  }
  if (run) yield run;
}

import { endOf, type ByteRange } from '@hypersdk/domain';

/** A part of a range of offsets that lies in one of several files. */
export interface RangePiece {
  readonly index: number;
  /** In the file. */
  readonly offset: number;
  readonly length: number;
  /** In the range. */
  readonly at: number;
}

/** Cuts a range where files of `span` offsets each meet, in order. */
export function* splitRange(range: ByteRange, span: number): Generator<RangePiece> {
  const end = endOf(range);
  for (let offset = range.offset; offset < end;) {
    const index = Math.floor(offset / span);
    const length = Math.min(end, (index + 1) * span) - offset;
    yield { index, offset: offset - index * span, length, at: offset - range.offset };
    offset += length;
  }
}

import { endOf, type ByteRange } from '@hypersdk/domain';
import { damaged } from './damaged.ts';
import { Fields } from './fields.ts';

/** Bytes that can be read anywhere: a disk, a partition, a logical volume, a file in a file system. */
export interface Span {
  readonly size: number;
  /** The bytes of a range; `what` names them in messages. A range that does not lie inside is a damaged structure. */
  read(range: ByteRange, what: string): Fields;
}

/** No structure that a look reads in one piece is larger. */
const READ_MAX = 1024 * 1024;

/** Refuses what a structure may not ask for. */
export function checkRange(span: Span, range: ByteRange, what: string): void {
  const { offset, length } = range;
  if (!(Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && endOf(range) <= span.size)) {
    throw damaged(`the ${what} is said to lie at byte ${offset}, where there is no room for it`);
  }
  if (length > READ_MAX) throw damaged(`the ${what} is said to take ${length} bytes, more than is read at once`);
}

/** A part of a span. */
export function partOf(span: Span, range: ByteRange): Span {
  const part: Span = {
    size: range.length,
    read: (asked, what) => {
      checkRange(part, asked, what);
      return span.read({ offset: range.offset + asked.offset, length: asked.length }, what);
    },
  };
  return part;
}

/** A run of a mapped span: `length` bytes that lie at `from`, or zeros where nothing was stored. */
export interface Run {
  readonly length: number;
  readonly from: { readonly span: Span; readonly offset: number } | undefined;
}

/** Runs that one read may touch: a structure is small, so more of them is a map that goes in circles. */
const RUNS_MAX = 4096;

/** A span whose bytes lie in pieces elsewhere. `runAt` answers the run from an offset on, at least one byte long. */
export function mappedSpan(size: number, runAt: (offset: number) => Run): Span {
  const span: Span = {
    size,
    read: (asked, what) => {
      checkRange(span, asked, what);
      const bytes = Buffer.alloc(asked.length);
      let runs = 0;
      for (let done = 0; done < asked.length; runs += 1) {
        const run = runAt(asked.offset + done);
        const length = Math.min(run.length, asked.length - done);
        if (!(length > 0) || runs > RUNS_MAX) throw damaged(`the map of where the ${what} lies leads nowhere`);
        if (run.from) run.from.span.read({ offset: run.from.offset, length }, what).bytes.copy(bytes, done);
        done += length;
      }
      return new Fields(bytes, what);
    },
  };
  return span;
}

/** Bytes that are in memory already. */
export function bytesSpan(bytes: Buffer): Span {
  const span: Span = {
    size: bytes.length,
    read: (asked, what) => {
      checkRange(span, asked, what);
      return new Fields(bytes.subarray(asked.offset, endOf(asked)), what);
    },
  };
  return span;
}

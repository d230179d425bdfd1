import type { ByteRange, Extent } from '@hypersdk/domain';

const KINDS = ['data', 'zero', 'hole'] as const;

/** A piece of a disk's map: runs in order from `start` to `end`, nine bytes each, found by halving. */
export class ExtentPage {
  readonly start: number;
  readonly end: number;
  readonly #ends: Float64Array;
  readonly #kinds: Uint8Array;

  /** The runs tile the page in order. Neighbours of one kind are joined. */
  constructor(start: number, runs: Iterable<Pick<Extent, 'length' | 'kind'>>) {
    const ends: number[] = [];
    const kinds: number[] = [];
    let at = start;
    for (const { length, kind } of runs) {
      at += length;
      const number = KINDS.indexOf(kind);
      if (kinds.at(-1) === number) ends[ends.length - 1] = at;
      else {
        ends.push(at);
        kinds.push(number);
      }
    }
    this.start = start;
    this.end = at;
    this.#ends = Float64Array.from(ends);
    this.#kinds = Uint8Array.from(kinds);
  }

  get runCount(): number {
    return this.#ends.length;
  }

  /** The part of the page that lies in the range. */
  *extents(range: ByteRange): Generator<Extent> {
    const last = Math.min(this.end, range.offset + range.length);
    let at = range.offset;
    for (let index = this.#indexOf(at); at < last; index += 1) {
      const end = Math.min(last, this.#ends[index] ?? last);
      yield { offset: at, length: end - at, kind: KINDS[this.#kinds[index] ?? 0] ?? 'data' };
      at = end;
    }
  }

  /** The first run that ends behind `offset`. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#ends[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

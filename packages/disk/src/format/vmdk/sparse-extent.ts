import { coalesce, endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { FileRun } from '../disk-image.ts';
import type { DiskExtent } from './disk-extent.ts';
import type { GrainInflater } from './grain-inflater.ts';
import type { GrainMap } from './grain-map.ts';

/** A run of grains whose bytes are reached alike: absent, recorded as zeros, one after the other in the file, or one compressed grain. */
type Run = { readonly length: number } & ({ readonly kind: 'hole' | 'zero' } | { readonly kind: 'data' | 'compressed'; readonly fileOffset: number });

/** What the header of an extent says of it. */
export interface SparseFacts {
  readonly version: number;
  readonly uncleanShutdown: boolean;
}

export interface SparseParts {
  readonly length: number;
  readonly file: ByteFile;
  readonly facts: SparseFacts;
  readonly map: GrainMap;
  /** Present when grains are compressed. */
  readonly inflater: GrainInflater | undefined;
  /** What shows where a grain was never written. */
  readonly below: DiskExtent;
}

/** A sparse extent of any kind: grains found through a directory and tables, compressed or not, over what lies below them. */
export class SparseExtent implements DiskExtent {
  readonly length: number;
  readonly file: ByteFile;
  readonly facts: SparseFacts;
  readonly grainSize: number;
  readonly #map: GrainMap;
  readonly #inflater: GrainInflater | undefined;
  readonly #below: DiskExtent;

  constructor({ length, file, facts, map, inflater, below }: SparseParts) {
    this.length = length;
    this.file = file;
    this.facts = facts;
    this.grainSize = map.grainSize;
    this.#map = map;
    this.#inflater = inflater;
    this.#below = below;
  }

  get compressed(): boolean {
    return this.#inflater !== undefined;
  }

  extents(range: ByteRange): Iterable<Extent> {
    return coalesce(this.#walk(range));
  }

  *#walk(range: ByteRange): Generator<Extent> {
    const span = this.#map.tableSpan;
    const end = endOf(range);
    let offset = range.offset;
    while (offset < end) {
      const used = this.#map.nextUsed(Math.floor(offset / span), Math.min(this.#map.tableCount, Math.ceil(end / span)));
      const start = Math.min(end, Math.max(offset, used * span));
      if (start > offset) yield* this.#below.extents({ offset, length: start - offset });
      offset = start;
      for (const tableEnd = Math.min(end, (used + 1) * span); offset < tableEnd;) {
        const run = this.#run({ offset, length: tableEnd - offset });
        if (run.kind === 'hole') yield* this.#below.extents({ offset, length: run.length });
        else yield { offset, length: run.length, kind: run.kind === 'zero' ? 'zero' : 'data' };
        offset += run.length;
      }
    }
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const run = this.#run({ offset: at, length: into.length - done });
      const piece = into.subarray(done, done + run.length);
      switch (run.kind) {
        case 'hole':
          this.#below.read(at, piece);
          break;
        case 'zero':
          piece.fill(0);
          break;
        case 'data':
          this.file.read(run.fileOffset, piece);
          break;
        case 'compressed':
          this.#inflater?.read({ index: Math.floor(at / this.grainSize), fileOffset: run.fileOffset }, at % this.grainSize, piece);
          break;
      }
      done += run.length;
    }
  }

  locate(range: ByteRange): FileRun | undefined {
    const run = this.#run(range);
    if (run.kind === 'hole') return this.#below.locate({ offset: range.offset, length: run.length });
    return run.kind === 'data' && this.file.fd !== undefined ? { fd: this.file.fd, fileOffset: run.fileOffset, length: run.length } : undefined;
  }

  /** The longest run from the start of the range on, at most its length. */
  #run(range: ByteRange): Run {
    const { grainSize } = this;
    const first = Math.floor(range.offset / grainSize);
    const within = range.offset - first * grainSize;
    const place = this.#map.grain(first);
    let next = first + 1;
    const reach = (): number => Math.min(range.length, next * grainSize - range.offset);
    if (typeof place === 'number' && this.#inflater) return { kind: 'compressed', fileOffset: place, length: reach() };

    // A grain that would follow in the file continues the run; a grain of zeros continues zeros.
    while (reach() < range.length && this.#map.grain(next) === (typeof place === 'number' ? place + (next - first) * grainSize : place)) next += 1;
    if (typeof place === 'number') return { kind: 'data', fileOffset: place + within, length: reach() };
    return { kind: place, length: reach() };
  }

  [Symbol.dispose](): void {
    this.#inflater?.[Symbol.dispose]();
  }
}

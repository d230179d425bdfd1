import type { ByteRange, Extent } from '@hypersdk/domain';
import type { DiskExtent } from './disk-extent.ts';

/** A part of a disk that reads as zeros and has no file: a ZERO extent, or what lies below a sparse one when there is no parent. */
export class EmptyExtent implements DiskExtent {
  readonly length: number;
  readonly #kind: 'zero' | 'hole';

  constructor(length: number, kind: 'zero' | 'hole') {
    this.length = length;
    this.#kind = kind;
  }

  *extents(range: ByteRange): Generator<Extent> {
    if (range.length > 0) yield { ...range, kind: this.#kind };
  }

  read(_offset: number, into: Uint8Array): void {
    into.fill(0);
  }

  locate(): undefined {
    return undefined;
  }

  [Symbol.dispose](): void {
    // Nothing is open.
  }
}

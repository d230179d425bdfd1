import type { ByteRange, Extent } from '@hypersdk/domain';
import type { DiskExtent } from './disk-extent.ts';

/** A ZERO extent: reads as zeros and has no file. */
export class ZeroExtent implements DiskExtent {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }

  *extents(range: ByteRange): Generator<Extent> {
    if (range.length > 0) yield { ...range, kind: 'zero' };
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

import type { ByteRange, Extent } from '@hypersdk/domain';
import type { DiskImage, FileRun } from '../disk-image.ts';
import type { DiskExtent } from './disk-extent.ts';

/** The part of the parent's disk that lies below an extent. The parent belongs to the image, which closes it. */
export class ParentExtent implements DiskExtent {
  readonly length: number;
  readonly #parent: DiskImage;
  readonly #start: number;

  constructor(parent: DiskImage, range: ByteRange) {
    this.#parent = parent;
    this.#start = range.offset;
    this.length = range.length;
  }

  *extents(range: ByteRange): Generator<Extent> {
    const length = this.#lengthIn(range);
    if (length > 0) {
      for (const found of this.#parent.extents({ offset: this.#start + range.offset, length }))
        yield { ...found, offset: found.offset - this.#start };
    }
    if (length < range.length) yield { offset: range.offset + length, length: range.length - length, kind: 'hole' };
  }

  read(offset: number, into: Uint8Array): void {
    const length = this.#lengthIn({ offset, length: into.length });
    if (length > 0) this.#parent.read(this.#start + offset, into.subarray(0, length));
    into.fill(0, length);
  }

  locate(range: ByteRange): FileRun | undefined {
    const length = this.#lengthIn(range);
    return length > 0 ? this.#parent.locate?.({ offset: this.#start + range.offset, length }) : undefined;
  }

  /** How much of a range the parent has; it may be the shorter disk. */
  #lengthIn({ offset, length }: ByteRange): number {
    return Math.min(length, Math.max(0, this.#parent.virtualSize - this.#start - offset));
  }

  [Symbol.dispose](): void {
    // The image closes its parent.
  }
}

import { endOf, HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { BlockSource, Cancel } from '@hypersdk/ports';
import type { DiskImage } from './disk-image.ts';

/** A disk image as a block source. Its calls do synchronous I/O: keep it on a thread that may wait. */
export class ImageSource implements BlockSource {
  readonly virtualSize: number;
  readonly blockAlign: number;
  readonly #image: DiskImage;
  #open = true;

  constructor(image: DiskImage) {
    this.#image = image;
    this.virtualSize = image.virtualSize;
    this.blockAlign = image.unitSize;
  }

  async *extents(o: Cancel & { readonly range?: ByteRange }): AsyncGenerator<Extent> {
    const range = o.range ?? { offset: 0, length: this.virtualSize };
    this.#checkInside(range);
    for (const extent of this.#image.extents(range)) {
      o.signal.throwIfAborted();
      yield extent;
    }
  }

  async read(offset: number, into: Uint8Array, o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    this.#checkInside({ offset, length: into.length });
    this.#image.read(offset, into);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#image[Symbol.dispose]();
  }

  #checkInside(range: ByteRange): void {
    if (range.offset >= 0 && range.length >= 0 && endOf(range) <= this.virtualSize) return;
    throw new HyperError('usage/invalid', `Bytes ${range.offset} to ${endOf(range)} do not lie on a disk of ${this.virtualSize} bytes.`);
  }
}

import type { ByteRange, Extent } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';
import type { DiskImage, FileRun } from './disk-image.ts';

/** An image that is a part of a file. Its reader saw that part alone; where bytes lie is told in offsets of the whole file, as descriptors count. */
export class SlicedImage implements DiskImage {
  readonly format: DiskImage['format'];
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly info: DiskImage['info'];
  readonly files: readonly ByteFile[];
  readonly slice: ByteRange;
  readonly locate?: (range: ByteRange) => FileRun | undefined;
  readonly #image: DiskImage;

  /** Takes ownership of the image, which was opened over a `FileSlice` of `whole`. */
  constructor(image: DiskImage, whole: ByteFile, slice: ByteRange) {
    this.format = image.format;
    this.virtualSize = image.virtualSize;
    this.unitSize = image.unitSize;
    this.info = image.info;
    this.files = [whole, ...image.files.slice(1)];
    this.slice = slice;
    if (image.locate) this.locate = (range) => shift(image.locate?.(range), whole, slice);
    this.#image = image;
  }

  extents(range: ByteRange): Iterable<Extent> {
    return this.#image.extents(range);
  }

  read(offset: number, into: Uint8Array): void {
    this.#image.read(offset, into);
  }

  [Symbol.dispose](): void {
    this.#image[Symbol.dispose]();
  }
}

/** A run in another file, such as that of an extent beside the archive, stays where it is. */
const shift = (run: FileRun | undefined, whole: ByteFile, slice: ByteRange): FileRun | undefined =>
  run && run.fd === whole.fd ? { ...run, fileOffset: slice.offset + run.fileOffset } : run;

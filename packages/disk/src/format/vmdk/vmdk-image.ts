import { endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, FileRun } from '../disk-image.ts';
import type { DiskExtent } from './disk-extent.ts';

/** The extents of a disk one after the other. */
export class VmdkImage implements DiskImage {
  readonly format = 'vmdk';
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly info: DiskImage['info'];
  readonly files: readonly ByteFile[];
  readonly #extents: readonly DiskExtent[];
  readonly #starts: readonly number[];

  /** Takes ownership of the extents and the files; the image's own file comes first. */
  constructor(extents: readonly DiskExtent[], files: readonly ByteFile[], info: DiskImage['info']) {
    this.#extents = extents;
    this.#starts = extents.map((_, index) => extents.slice(0, index).reduce((sum, { length }) => sum + length, 0));
    this.files = files;
    this.info = info;
    this.virtualSize = info.virtualSize;
    this.unitSize = info.unitSize;
  }

  *extents(range: ByteRange): Generator<Extent> {
    for (const { extent, start, within } of this.#parts(range)) {
      for (const found of extent.extents(within)) yield { ...found, offset: start + found.offset };
    }
  }

  read(offset: number, into: Uint8Array): void {
    for (const { extent, start, within } of this.#parts({ offset, length: into.length })) {
      const at = start + within.offset - offset;
      extent.read(within.offset, into.subarray(at, at + within.length));
    }
  }

  locate(range: ByteRange): FileRun | undefined {
    const [part] = this.#parts(range);
    return part?.extent.locate(part.within);
  }

  /** The extents that the range touches, each with the part of it touched, counted from its own start. */
  *#parts(range: ByteRange): Generator<{ readonly extent: DiskExtent; readonly start: number; readonly within: ByteRange }> {
    for (let index = this.#indexAt(range.offset); index < this.#extents.length; index += 1) {
      const extent = this.#extents[index];
      const start = this.#starts[index] ?? 0;
      if (!extent || start >= endOf(range)) return;
      const offset = Math.max(0, range.offset - start);
      const length = Math.min(extent.length, endOf(range) - start) - offset;
      if (length > 0) yield { extent, start, within: { offset, length } };
    }
  }

  #indexAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  [Symbol.dispose](): void {
    for (const extent of this.#extents) extent[Symbol.dispose]();
    for (const file of this.files) file[Symbol.dispose]();
  }
}

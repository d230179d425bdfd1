import { endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, FileRun } from '../disk-image.ts';
import type { Descriptor } from './descriptor.ts';
import type { DiskExtent } from './disk-extent.ts';
import { SparseExtent } from './sparse-extent.ts';

/** Flat disks have no unit of their own; pages of the file system are the closest thing. */
const FLAT_UNIT_SIZE = 4096;

export interface VmdkParts {
  readonly file: ByteFile;
  readonly descriptor: Descriptor;
  readonly extents: readonly DiskExtent[];
  readonly parent: DiskImage | undefined;
}

/** The extents of a disk one after the other. */
export class VmdkImage implements DiskImage {
  readonly format = 'vmdk';
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly contentId: string;
  readonly files: readonly ByteFile[];
  readonly #descriptor: Descriptor;
  readonly #extents: readonly DiskExtent[];
  readonly #starts: readonly number[];
  readonly #ownFiles: readonly ByteFile[];
  readonly #parent: DiskImage | undefined;

  /** Takes ownership of the extents, their files, the image's own file and the parent. */
  constructor({ file, descriptor, extents, parent }: VmdkParts) {
    this.#descriptor = descriptor;
    this.#extents = extents;
    this.#starts = extents.map((_, index) => extents.slice(0, index).reduce((sum, { length }) => sum + length, 0));
    this.#parent = parent;
    this.#ownFiles = [file, ...extents.flatMap((extent) => (extent.file && extent.file !== file ? [extent.file] : []))];
    this.files = [...this.#ownFiles, ...(parent?.files ?? [])];
    this.virtualSize = descriptor.virtualSize;
    this.contentId = descriptor.contentId;
    this.unitSize = this.#sparse[0]?.grainSize ?? FLAT_UNIT_SIZE;
  }

  get info(): DiskImage['info'] {
    const { createType, contentId, adapterType, parent } = this.#descriptor;
    const sparse = this.#sparse;
    const embedded = this.#ownFiles.length === 1;
    return {
      format: 'vmdk',
      subformat: createType,
      virtualSize: this.virtualSize,
      unitSize: this.unitSize,
      ...(sparse.some(({ compressed }) => compressed) ? { compression: 'zlib' as const } : {}),
      references: [...(embedded ? [] : this.#descriptor.extents.flatMap(({ name }) => name ?? [])), ...(parent ? [parent.name] : [])],
      snapshotCount: 0,
      details: {
        createType,
        contentId,
        extentCount: this.#extents.length,
        ...(parent ? { parent: parent.name } : {}),
        ...(adapterType === undefined ? {} : { adapterType }),
        ...(sparse[0] ? { headerVersion: sparse[0].facts.version, uncleanShutdown: sparse.some(({ facts }) => facts.uncleanShutdown) } : {}),
      },
    };
  }

  get #sparse(): readonly SparseExtent[] {
    return this.#extents.filter((extent) => extent instanceof SparseExtent);
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
    for (const file of this.#ownFiles) file[Symbol.dispose]();
    this.#parent?.[Symbol.dispose]();
  }
}

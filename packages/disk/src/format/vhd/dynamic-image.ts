// Virtual Hard Disk Image Format Specification 1.0, "Dynamic Hard Disk Image" and "Differencing Hard Disk Image".
import { coalesce, endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { extentsOfRun } from '../blocks/file-holes.ts';
import { extentsBelow, locateBelow, readBelow } from '../blocks/parent-extents.ts';
import type { FileRun } from '../disk-image.ts';
import type { BlockAllocationTable } from './block-allocation-table.ts';
import type { DynamicHeader } from './dynamic-header.ts';
import type { ChosenFooter } from './find-footer.ts';
import type { Parent } from './open-parent.ts';
import { SectorBitmaps } from './sector-bitmaps.ts';
import { describeFooter, type VhdImage } from './vhd-image.ts';
import { SECTOR_SIZE } from './vhd-limits.ts';

export interface DynamicParts {
  readonly file: ByteFile;
  readonly footer: ChosenFooter;
  readonly header: DynamicHeader;
  readonly table: BlockAllocationTable;
  readonly virtualSize: number;
  readonly parent: Parent | undefined;
}

/** A run of the disk that lies in the file in one piece, or that this disk does not hold. */
type Run = { readonly length: number } & ({ readonly kind: 'absent' } | { readonly kind: 'data'; readonly fileOffset: number });

/** Blocks that come into being when they are first written to; in them, sectors that do. What is in neither comes from the parent, or is a hole. */
export class DynamicImage implements VhdImage {
  readonly format = 'vhd';
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly uniqueId: string;
  readonly timeStamp: number;
  readonly files: readonly ByteFile[];
  readonly info: VhdImage['info'];
  readonly #parts: DynamicParts;
  readonly #bitmaps: SectorBitmaps;

  constructor(parts: DynamicParts) {
    const { file, footer, header, virtualSize, parent } = parts;
    this.#parts = parts;
    this.#bitmaps = new SectorBitmaps(file, header);
    this.virtualSize = virtualSize;
    this.unitSize = header.blockSize;
    this.uniqueId = footer.footer.uniqueId;
    this.timeStamp = footer.footer.timeStamp;
    this.files = [file, ...(parent?.image.files ?? [])];
    this.info = {
      format: 'vhd',
      subformat: footer.footer.type,
      virtualSize,
      unitSize: header.blockSize,
      references: parent ? [parent.name] : [],
      snapshotCount: 0,
      details: describeFooter(footer),
    };
  }

  extents(range: ByteRange): Iterable<Extent> {
    return coalesce(this.#walk(range));
  }

  *#walk(range: ByteRange): Generator<Extent> {
    const { file, parent } = this.#parts;
    for (let offset = range.offset; offset < endOf(range);) {
      const run = this.#run({ offset, length: endOf(range) - offset });
      const piece = { offset, length: run.length };
      if (run.kind === 'data') yield* extentsOfRun(file, { ...piece, fileOffset: run.fileOffset });
      else yield* extentsBelow(parent?.image, piece);
      offset += run.length;
    }
  }

  read(offset: number, into: Uint8Array): void {
    const { file, parent } = this.#parts;
    for (let done = 0; done < into.length;) {
      const run = this.#run({ offset: offset + done, length: into.length - done });
      const piece = into.subarray(done, done + run.length);
      if (run.kind === 'data') file.read(run.fileOffset, piece);
      else readBelow(parent?.image, offset + done, piece);
      done += run.length;
    }
  }

  locate(range: ByteRange): FileRun | undefined {
    const { file, parent } = this.#parts;
    const run = this.#run(range);
    if (run.kind === 'absent') return locateBelow(parent?.image, { offset: range.offset, length: run.length });
    return file.fd === undefined ? undefined : { fd: file.fd, fileOffset: run.fileOffset, length: run.length };
  }

  /** The longest run from the start of the range on, at most its length. */
  #run({ offset, length }: ByteRange): Run {
    const { table, header } = this.#parts;
    const { blockSize, bitmapSize } = header;
    const block = Math.floor(offset / blockSize);
    const start = table.offsetOf(block);
    if (start === undefined) {
      const next = table.nextPresent(block, Math.ceil((offset + length) / blockSize));
      return { kind: 'absent', length: Math.min(length, next * blockSize - offset) };
    }
    const within = offset % blockSize;
    const sector = Math.floor(within / SECTOR_SIZE);
    const { isWritten, count } = this.#bitmaps.runAt(start, sector, Math.ceil((within + length) / SECTOR_SIZE) - sector);
    const reach = Math.min(length, (sector + count) * SECTOR_SIZE - within);
    return isWritten ? { kind: 'data', fileOffset: start + bitmapSize + within, length: reach } : { kind: 'absent', length: reach };
  }

  [Symbol.dispose](): void {
    this.#parts.parent?.image[Symbol.dispose]();
    this.#parts.file[Symbol.dispose]();
  }
}

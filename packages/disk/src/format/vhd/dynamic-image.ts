// Virtual Hard Disk Image Format Specification 1.0, "Dynamic Hard Disk Image" and "Differencing Hard Disk Image".
import { coalesce, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { extentsOfRuns, locateRun, readRuns, type BlockRun, type BlockRuns } from '../blocks/block-runs.ts';
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
  readonly #runs: BlockRuns;
  readonly #bitmaps: SectorBitmaps;

  constructor(parts: DynamicParts) {
    const { file, footer, header, virtualSize, parent } = parts;
    this.#parts = parts;
    this.#runs = { file, parent: parent?.image, runAt: (range) => this.#run(range) };
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
    return coalesce(extentsOfRuns(this.#runs, range));
  }

  read(offset: number, into: Uint8Array): void {
    readRuns(this.#runs, offset, into);
  }

  locate(range: ByteRange): FileRun | undefined {
    return locateRun(this.#runs, range);
  }

  #run({ offset, length }: ByteRange): BlockRun {
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

import { coalesce, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { extentsOfRuns, locateRun, readRuns, type BlockRun, type BlockRuns } from '../blocks/block-runs.ts';
import type { DiskImage, FileRun } from '../disk-image.ts';
import type { BlockTable } from './block-table.ts';
import type { Header } from './header.ts';
import type { Parent } from './open-parent.ts';

export interface VdiParts {
  readonly file: ByteFile;
  readonly header: Header;
  readonly table: BlockTable;
  readonly parent: Parent | undefined;
}

/** An opened VDI. */
export class VdiImage implements DiskImage {
  readonly format = 'vdi';
  readonly header: Header;
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly files: readonly ByteFile[];
  readonly info: DiskImage['info'];
  readonly #parts: VdiParts;
  readonly #runs: BlockRuns;

  constructor(parts: VdiParts) {
    const { file, header, parent } = parts;
    this.#parts = parts;
    this.#runs = { file, parent: parent?.image, runAt: (range) => this.#run(range) };
    this.header = header;
    this.virtualSize = header.virtualSize;
    this.unitSize = header.blockSize;
    this.files = [file, ...(parent?.image.files ?? [])];
    this.info = {
      format: 'vdi',
      subformat: header.type,
      virtualSize: header.virtualSize,
      unitSize: header.blockSize,
      references: parent ? [parent.name] : [],
      snapshotCount: 0,
      details: { blockCount: header.blockCount, storedBlocks: header.storedCount, id: header.id },
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
    const { blockSize } = header;
    const block = Math.floor(offset / blockSize);
    const within = offset % blockSize;
    const place = table.placeOf(block);
    const count = table.runLength(block, Math.ceil((offset + length) / blockSize));
    const reach = Math.min(length, count * blockSize - within);
    if (typeof place === 'number') return { kind: 'data', fileOffset: place + within, length: reach };
    return { kind: place === 'discarded' ? 'zero' : 'absent', length: reach };
  }

  [Symbol.dispose](): void {
    this.#parts.parent?.image[Symbol.dispose]();
    this.#parts.file[Symbol.dispose]();
  }
}

import { coalesce, endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { extentsOfRuns, locateRun, readRuns, type BlockRun, type BlockRuns } from '../blocks/block-runs.ts';
import { extentsBelow } from '../blocks/parent-extents.ts';
import type { DiskImage, FileRun } from '../disk-image.ts';
import type { BlockTable } from './block-table.ts';
import type { FileHeader } from './file-header.ts';
import type { Guid } from './guid.ts';
import type { Metadata } from './metadata.ts';
import type { ParentLocator } from './parent-locator.ts';
import { SectorBitmaps } from './sector-bitmap.ts';

interface ImageParts {
  /** As it was given. */
  readonly file: ByteFile;
  /** Its log replayed. */
  readonly content: ByteFile;
  readonly header: FileHeader;
  readonly metadata: Metadata;
  readonly table: BlockTable;
  readonly parent: { readonly image: VhdxImage; readonly locator: ParentLocator } | undefined;
}

/** An opened VHDX, with its parents when it is a differencing disk. */
export class VhdxImage implements DiskImage {
  readonly format = 'vhdx';
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly sectorSize: number;
  readonly dataWriteGuid: Guid;
  readonly files: readonly ByteFile[];
  readonly #parts: ImageParts;
  readonly #runs: BlockRuns;
  readonly #table: BlockTable;
  readonly #parent: VhdxImage | undefined;
  readonly #bitmaps: SectorBitmaps;

  constructor(parts: ImageParts) {
    const { metadata, header, parent } = parts;
    this.virtualSize = metadata.virtualSize;
    this.unitSize = metadata.blockSize;
    this.sectorSize = metadata.sectorSize;
    this.dataWriteGuid = header.dataWriteGuid;
    this.files = [parts.file, ...(parent?.image.files ?? [])];
    this.#parts = parts;
    this.#runs = { file: parts.content, parent: parent?.image, runAt: (range) => this.#run(range) };
    this.#table = parts.table;
    this.#parent = parent?.image;
    this.#bitmaps = new SectorBitmaps(parts.content);
  }

  get info(): DiskImage['info'] {
    const { file, content, header, metadata, parent } = this.#parts;
    return {
      format: 'vhdx',
      subformat: subformatOf(metadata),
      virtualSize: this.virtualSize,
      unitSize: this.unitSize,
      references: parent ? [parent.locator.paths[0]] : [],
      snapshotCount: 0,
      details: {
        blockSize: metadata.blockSize,
        logicalSectorSize: metadata.sectorSize,
        physicalSectorSize: metadata.physicalSectorSize,
        diskId: metadata.diskId,
        dataWriteGuid: header.dataWriteGuid,
        logReplayed: content !== file,
      },
    };
  }

  extents(range: ByteRange): Iterable<Extent> {
    return coalesce(this.#walk(range));
  }

  read(offset: number, into: Uint8Array): void {
    readRuns(this.#runs, offset, into);
  }

  locate(range: ByteRange): FileRun | undefined {
    return locateRun(this.#runs, range);
  }

  [Symbol.dispose](): void {
    this.#parent?.[Symbol.dispose]();
    this.#parts.file[Symbol.dispose]();
  }

  *#walk(range: ByteRange): Generator<Extent> {
    const end = endOf(range);
    for (let offset = range.offset; offset < end;) {
      const block = Math.floor(offset / this.unitSize);
      const used = this.#table.nextUsed(block, Math.ceil(end / this.unitSize));
      const start = Math.min(end, Math.max(offset, used * this.unitSize));
      if (start > offset) yield* extentsBelow(this.#parent, { offset, length: start - offset });
      offset = start;
      // One page of the table after the other, so that holes between them are passed over.
      const pageEnd = Math.min(end, this.#table.pageEnd(used) * this.unitSize);
      yield* extentsOfRuns(this.#runs, { offset, length: Math.max(0, pageEnd - offset) });
      offset = Math.max(offset, pageEnd);
    }
  }

  #run(range: ByteRange): BlockRun {
    const first = Math.floor(range.offset / this.unitSize);
    const within = range.offset - first * this.unitSize;
    const block = this.#table.block(first);
    if (block.kind === 'partial') return this.#partialRun(range, { first, within, fileOffset: block.fileOffset });

    let next = first + 1;
    const reach = (): number => Math.min(range.length, next * this.unitSize - range.offset);
    if (block.kind === 'whole') {
      // A block that follows in the file as well continues the run.
      while (reach() < range.length && this.#isWholeAt(next, block.fileOffset + (next - first) * this.unitSize)) next += 1;
      return { kind: 'data', fileOffset: block.fileOffset + within, length: reach() };
    }
    next = this.#table.alikeUpTo(first, Math.ceil(endOf(range) / this.unitSize));
    return { kind: block.kind, length: reach() };
  }

  #isWholeAt(number: number, fileOffset: number): boolean {
    const block = this.#table.block(number);
    return block.kind === 'whole' && block.fileOffset === fileOffset;
  }

  #partialRun(range: ByteRange, o: { readonly first: number; readonly within: number; readonly fileOffset: number }): BlockRun {
    const sector = Math.floor(o.within / this.sectorSize);
    const inSector = o.within - sector * this.sectorSize;
    const reach = Math.min(range.length, this.unitSize - o.within);
    const { isHere, count } = this.#bitmaps.run(this.#table.bitmap(o.first), sector, Math.ceil((inSector + reach) / this.sectorSize));
    const length = Math.min(reach, count * this.sectorSize - inSector);
    return isHere ? { kind: 'data', fileOffset: o.fileOffset + o.within, length } : { kind: 'absent', length };
  }
}

function subformatOf(metadata: Metadata): string {
  if (metadata.parentLocator) return 'differencing';
  return metadata.keepsBlocks ? 'fixed' : 'dynamic';
}

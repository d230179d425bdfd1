import { coalesce, endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { extentsOfRun } from '../blocks/file-holes.ts';
import { extentsBelow, locateBelow, readBelow } from '../blocks/parent-extents.ts';
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

/** A run of blocks whose bytes are reached alike: absent, recorded as zeros, or one after the other in the file. */
type Run = { readonly length: number } & ({ readonly kind: 'absent' | 'discarded' } | { readonly kind: 'data'; readonly fileOffset: number });

/** An opened VDI. */
export class VdiImage implements DiskImage {
  readonly format = 'vdi';
  readonly header: Header;
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly files: readonly ByteFile[];
  readonly info: DiskImage['info'];
  readonly #parts: VdiParts;

  constructor(parts: VdiParts) {
    const { file, header, parent } = parts;
    this.#parts = parts;
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
    return coalesce(this.#walk(range));
  }

  *#walk(range: ByteRange): Generator<Extent> {
    const { file, parent } = this.#parts;
    for (let offset = range.offset; offset < endOf(range);) {
      const run = this.#run({ offset, length: endOf(range) - offset });
      const piece = { offset, length: run.length };
      if (run.kind === 'data') yield* extentsOfRun(file, { ...piece, fileOffset: run.fileOffset });
      else if (run.kind === 'absent') yield* extentsBelow(parent?.image, piece);
      else yield { ...piece, kind: 'zero' };
      offset += run.length;
    }
  }

  read(offset: number, into: Uint8Array): void {
    const { file, parent } = this.#parts;
    for (let done = 0; done < into.length;) {
      const run = this.#run({ offset: offset + done, length: into.length - done });
      const piece = into.subarray(done, done + run.length);
      if (run.kind === 'data') file.read(run.fileOffset, piece);
      else if (run.kind === 'absent') readBelow(parent?.image, offset + done, piece);
      else piece.fill(0);
      done += run.length;
    }
  }

  locate(range: ByteRange): FileRun | undefined {
    const { file, parent } = this.#parts;
    const run = this.#run(range);
    if (run.kind === 'absent') return locateBelow(parent?.image, { offset: range.offset, length: run.length });
    return run.kind === 'data' && file.fd !== undefined ? { fd: file.fd, fileOffset: run.fileOffset, length: run.length } : undefined;
  }

  /** The longest run from the start of the range on, at most its length. */
  #run({ offset, length }: ByteRange): Run {
    const { table, header } = this.#parts;
    const { blockSize } = header;
    const block = Math.floor(offset / blockSize);
    const within = offset % blockSize;
    const place = table.placeOf(block);
    const count = table.runLength(block, Math.ceil((offset + length) / blockSize));
    const reach = Math.min(length, count * blockSize - within);
    return typeof place === 'number' ? { kind: 'data', fileOffset: place + within, length: reach } : { kind: place, length: reach };
  }

  [Symbol.dispose](): void {
    this.#parts.parent?.image[Symbol.dispose]();
    this.#parts.file[Symbol.dispose]();
  }
}

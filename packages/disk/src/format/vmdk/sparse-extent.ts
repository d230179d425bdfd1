import { coalesce, endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { nativeCodecs } from '../../native/load.ts';
import type { FileRun } from '../disk-image.ts';
import type { DiskExtent } from './disk-extent.ts';
import { GrainDirectory } from './grain-directory.ts';
import { GrainInflater } from './grain-inflater.ts';
import { GrainTables } from './grain-tables.ts';
import { tableSpan, toMetadataAreas } from './metadata-areas.ts';
import type { SparseHeader } from './sparse-header.ts';
import { readSparseHeader } from './sparse-ends.ts';
import { malformed } from './vmdk-refusal.ts';

/** A run of grains whose bytes are reached alike: absent, recorded as zeros, one after the other in the file, or one compressed grain. */
type Run = { readonly length: number } & ({ readonly kind: 'hole' | 'zero' } | { readonly kind: 'data' | 'compressed'; readonly fileOffset: number });

interface SparseParts {
  readonly header: SparseHeader;
  readonly length: number;
  readonly tables: GrainTables;
  readonly tableCount: number;
  readonly inflater: GrainInflater | undefined;
}

/** A SPARSE extent: grains found through a directory and tables, compressed or not. */
export class SparseExtent implements DiskExtent {
  readonly length: number;
  readonly file: ByteFile;
  readonly header: SparseHeader;
  readonly #tables: GrainTables;
  readonly #tableCount: number;
  readonly #inflater: GrainInflater | undefined;

  private constructor(file: ByteFile, parts: SparseParts) {
    this.file = file;
    this.header = parts.header;
    this.length = parts.length;
    this.#tables = parts.tables;
    this.#tableCount = parts.tableCount;
    this.#inflater = parts.inflater;
  }

  /** `length` is what the descriptor says. */
  static open(file: ByteFile, length: number): SparseExtent {
    const { header, atEnd } = readSparseHeader(file);
    // Some programs round the capacity up to whole grains; the descriptor then has the true size.
    if (header.capacity < length || header.capacity >= length + header.grainSize) {
      throw malformed(`its descriptor says ${length} bytes and its header ${header.capacity}`, { path: file.path, offset: 0 });
    }
    const areas = toMetadataAreas(header, file);
    const directory = GrainDirectory.open(file, header.directoryOffset, areas);
    const tables = new GrainTables({ file, header, directory, areas, marked: atEnd });
    const inflater = header.compressed ? new GrainInflater(file, header, nativeCodecs().decompressor('zlib')) : undefined;
    return new SparseExtent(file, { header, length, tables, tableCount: directory.length, inflater });
  }

  extents(range: ByteRange): Iterable<Extent> {
    return coalesce(this.#walk(range));
  }

  *#walk(range: ByteRange): Generator<Extent> {
    const span = tableSpan(this.header.grainSize);
    const end = endOf(range);
    let offset = range.offset;
    while (offset < end) {
      const used = this.#tables.nextUsed(Math.floor(offset / span), Math.min(this.#tableCount, Math.ceil(end / span)));
      const start = Math.min(end, Math.max(offset, used * span));
      if (start > offset) yield { offset, length: start - offset, kind: 'hole' };
      offset = start;
      for (const tableEnd = Math.min(end, (used + 1) * span); offset < tableEnd;) {
        const run = this.#run({ offset, length: tableEnd - offset });
        yield { offset, length: run.length, kind: run.kind === 'compressed' ? 'data' : run.kind };
        offset += run.length;
      }
    }
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const run = this.#run({ offset: at, length: into.length - done });
      const piece = into.subarray(done, done + run.length);
      switch (run.kind) {
        case 'hole':
        case 'zero':
          piece.fill(0);
          break;
        case 'data':
          this.file.read(run.fileOffset, piece);
          break;
        case 'compressed':
          this.#inflater?.read({ index: Math.floor(at / this.header.grainSize), fileOffset: run.fileOffset }, at % this.header.grainSize, piece);
          break;
      }
      done += run.length;
    }
  }

  locate(range: ByteRange): FileRun | undefined {
    if (this.file.fd === undefined || this.header.compressed) return undefined;
    const run = this.#run(range);
    return run.kind === 'data' ? { fd: this.file.fd, fileOffset: run.fileOffset, length: run.length } : undefined;
  }

  /** The longest run from the start of the range on, at most its length. */
  #run(range: ByteRange): Run {
    const { grainSize, compressed } = this.header;
    const first = Math.floor(range.offset / grainSize);
    const within = range.offset - first * grainSize;
    const place = this.#tables.grain(first);
    let next = first + 1;
    const reach = (): number => Math.min(range.length, next * grainSize - range.offset);
    if (typeof place === 'number' && compressed) return { kind: 'compressed', fileOffset: place, length: reach() };

    // A grain that would follow in the file continues the run; a grain of zeros continues zeros.
    while (reach() < range.length && this.#tables.grain(next) === (typeof place === 'number' ? place + (next - first) * grainSize : place)) next += 1;
    if (typeof place === 'number') return { kind: 'data', fileOffset: place + within, length: reach() };
    return { kind: place, length: reach() };
  }

  [Symbol.dispose](): void {
    this.#inflater?.[Symbol.dispose]();
  }
}

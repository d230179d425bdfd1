import { endOf, MIB, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, FileRun } from '../disk-image.ts';
import { RUN_LENGTH_MAX, type ClusterMap, type ClusterRun } from './cluster-map.ts';
import { CompressedClusters, isFetchedAlong } from './compressed-clusters.ts';
import { COMPRESSION_TYPES, hasFeature, type Header } from './header.ts';
import type { References } from './open-references.ts';

/** Shorter runs of data are not looked up in the file system for holes: they cost a call each, and only preallocation leaves holes, in long runs. */
const HOLES_SOUGHT_FROM = MIB;

export interface ImageParts {
  readonly file: ByteFile;
  readonly header: Header;
  readonly map: ClusterMap;
  readonly references: References;
}

/** An opened qcow2 image: its active state, without its internal snapshots. */
export class Qcow2Image implements DiskImage {
  readonly format = 'qcow2';
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly files: readonly ByteFile[];
  readonly #file: ByteFile;
  readonly #header: Header;
  readonly #map: ClusterMap;
  readonly #references: References;
  readonly #content: ByteFile;
  readonly #compressed: CompressedClusters;

  constructor({ file, header, map, references }: ImageParts) {
    this.#file = file;
    this.#header = header;
    this.#map = map;
    this.#references = references;
    this.#content = references.dataFile ?? file;
    this.#compressed = new CompressedClusters(file, {
      clusterSize: header.clusterSize,
      compression: COMPRESSION_TYPES[header.compressionType] ?? 'zlib',
    });
    this.virtualSize = header.virtualSize;
    this.unitSize = header.clusterSize;
    this.files = [file, ...(references.dataFile ? [references.dataFile] : []), ...(references.backing?.files ?? [])];
  }

  get info(): DiskImage['info'] {
    const { version, clusterSize, refcountBits, lazyRefcounts, snapshots, virtualSize, compressionType } = this.#header;
    const { backingName, dataFileName } = this.#references;
    const compression = COMPRESSION_TYPES[compressionType] ?? 'zlib';
    return {
      format: 'qcow2',
      subformat: `v${version}`,
      virtualSize,
      unitSize: clusterSize,
      // The header names a method even when nothing is compressed, so one table is looked at.
      ...(this.#map.startsCompressed() ? { compression } : {}),
      references: [backingName, dataFileName].filter((name) => name !== undefined),
      snapshotCount: snapshots.count,
      details: {
        version,
        clusterSize,
        refcountBits,
        lazyRefcounts,
        extendedL2: hasFeature(this.#header, 'extendedL2'),
        compressionType: compression,
        dirty: hasFeature(this.#header, 'dirty'),
        ...(backingName === undefined ? {} : { backingFile: backingName }),
        ...(this.#references.backing ? { backingFormat: this.#references.backing.format } : {}),
        ...(dataFileName === undefined ? {} : { dataFile: dataFileName }),
      },
    };
  }

  *extents(range: ByteRange): Generator<Extent> {
    let pending: Extent | undefined;
    for (const next of this.#extentsApart(range)) {
      if (pending?.kind === next.kind && pending.length < RUN_LENGTH_MAX) {
        pending = { ...pending, length: pending.length + next.length };
      } else {
        if (pending) yield pending;
        pending = next;
      }
    }
    if (pending) yield pending;
  }

  read(offset: number, into: Uint8Array): void {
    let at = 0;
    while (at < into.length) {
      const run = this.#map.runAt(offset + at, into.length - at);
      const part = into.subarray(at, at + run.length);
      if (run.kind === 'compressed') {
        at += this.#readCompressed(offset + at, run, into.subarray(at));
        continue;
      }
      if (run.kind === 'data') readPadded(this.#content, run.host, part);
      else if (run.kind === 'zero') part.fill(0);
      else this.#readBelow(offset + at, part);
      at += run.length;
    }
  }

  locate(range: ByteRange): FileRun | undefined {
    const run = this.#map.runAt(range.offset, range.length);
    if (run.kind === 'data') {
      const length = Math.min(run.length, this.#content.size - run.host);
      return this.#content.fd === undefined || length <= 0 ? undefined : { fd: this.#content.fd, fileOffset: run.host, length };
    }
    const { backing } = this.#references;
    if (run.kind !== 'absent' || !backing || range.offset >= backing.virtualSize) return undefined;
    return backing.locate?.({ offset: range.offset, length: Math.min(run.length, backing.virtualSize - range.offset) });
  }

  [Symbol.dispose](): void {
    this.#compressed[Symbol.dispose]();
    this.#references[Symbol.dispose]();
    this.#file[Symbol.dispose]();
  }

  *#extentsApart(range: ByteRange): Generator<Extent> {
    const end = endOf(range);
    for (let offset = range.offset; offset < end;) {
      const run = this.#map.runAt(offset, end - offset);
      const piece = { offset, length: run.length };
      if (run.kind === 'absent') yield* this.#extentsBelow(piece);
      else if (run.kind === 'data') yield* this.#dataExtents(piece, run);
      else yield { ...piece, kind: run.kind === 'zero' ? 'zero' : 'data' };
      offset += run.length;
    }
  }

  /** Preallocation leaves clusters that are mapped and yet holes of the file: they read as zeros and need not be read. */
  *#dataExtents(piece: ByteRange, run: ClusterRun): Generator<Extent> {
    if (piece.length < HOLES_SOUGHT_FROM) {
      yield { ...piece, kind: 'data' };
      return;
    }
    const inFile = Math.min(piece.length, this.#content.size - run.host);
    for (const { offset, length, kind } of this.#content.extents({ offset: run.host, length: inFile })) {
      yield { offset: piece.offset + (offset - run.host), length, kind: kind === 'data' ? 'data' : 'zero' };
    }
    if (inFile < piece.length) yield { offset: piece.offset + inFile, length: piece.length - inFile, kind: 'zero' };
  }

  *#extentsBelow(piece: ByteRange): Generator<Extent> {
    const { backing } = this.#references;
    const inBacking = backing ? Math.min(piece.length, Math.max(0, backing.virtualSize - piece.offset)) : 0;
    if (backing && inBacking > 0) yield* backing.extents({ offset: piece.offset, length: inBacking });
    if (inBacking < piece.length) yield { offset: piece.offset + inBacking, length: piece.length - inBacking, kind: 'hole' };
  }

  #readBelow(offset: number, into: Uint8Array): void {
    const { backing } = this.#references;
    const inBacking = backing ? Math.min(into.length, Math.max(0, backing.virtualSize - offset)) : 0;
    if (backing && inBacking > 0) backing.read(offset, into.subarray(0, inBacking));
    into.fill(0, inBacking);
  }

  /** Reads the compressed cluster at `offset` and those after it that can be fetched along; answers how much of `into` is filled. */
  #readCompressed(offset: number, first: ClusterRun, into: Uint8Array): number {
    const runs = [first];
    let last = first;
    for (let at = first.length; at < into.length;) {
      const next = this.#map.runAt(offset + at, into.length - at);
      if (next.kind !== 'compressed' || !isFetchedAlong(first, last, next)) break;
      runs.push(next);
      last = next;
      at += next.length;
    }
    this.#compressed.fetch(first.host, last.host + last.stored - first.host);
    let at = 0;
    for (const run of runs) {
      this.#compressed.read(run, (offset + at) % this.unitSize, into.subarray(at, at + run.length));
      at += run.length;
    }
    return at;
  }
}

/** The file may end inside its last cluster; what is missing reads as zeros. */
function readPadded(file: ByteFile, offset: number, into: Uint8Array): void {
  const inFile = Math.min(into.length, Math.max(0, file.size - offset));
  file.read(offset, into.subarray(0, inFile));
  into.fill(0, inFile);
}

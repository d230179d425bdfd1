import type { ByteRange } from '@hypersdk/domain';
import { WritableDiskFile } from './disk-file.ts';
import { removeFile } from './remove-file.ts';
import { splitRange } from './split-range.ts';
import type { TargetFile } from './target-file.ts';

/** A mover works on one file after the other; a set of hundreds must not cost each of them as many descriptors. */
const OPEN_MAX = 4;

interface SetOptions {
  readonly span: number;
  readonly names: readonly string[];
  readonly mode: 'create' | 'continue' | 'join';
}

/**
 * Several files under one row of offsets, each with a span of them, as an image of several files is written. Whoever has to sync them keeps all of
 * them open: a file that nobody holds could leave memory together with the news that it was not written (fsync(2)).
 */
export class WritableFileSet implements TargetFile {
  /** The file whose name counts. */
  readonly path: string;
  readonly names: readonly string[];
  readonly #paths: readonly string[];
  readonly #span: number;
  readonly #openMax: number;
  /** Those used last come last. */
  readonly #open = new Map<number, WritableDiskFile>();
  readonly #unsynced = new Set<number>();
  /** Files from here on are empty for certain. */
  #used: number;

  private constructor(paths: readonly string[], o: SetOptions) {
    this.names = o.names;
    this.path = paths.at(-1) ?? '';
    this.#paths = paths;
    this.#span = o.span;
    this.#openMax = o.mode === 'join' ? OPEN_MAX : paths.length;
    this.#used = o.mode === 'create' ? 0 : paths.length;
  }

  static open(paths: readonly string[], o: SetOptions): WritableFileSet {
    const set = new WritableFileSet(paths, o);
    if (o.mode === 'join') return set;
    try {
      for (const [index, path] of paths.entries()) set.#open.set(index, WritableDiskFile.open(path, o.mode));
      return set;
    } catch (error) {
      set[Symbol.dispose]();
      if (o.mode === 'create') for (const { path } of set.#open.values()) removeFile(path);
      throw error;
    }
  }

  get files(): readonly WritableDiskFile[] {
    return this.#paths.map((_, index) => this.#file(index));
  }

  get size(): number {
    const sizes = this.#paths.map((_, index) => this.#file(index).size);
    const last = Math.max(
      0,
      sizes.findLastIndex((size) => size > 0),
    );
    return last * this.#span + (sizes[last] ?? 0);
  }

  read(offset: number, into: Uint8Array): void {
    for (const piece of splitRange({ offset, length: into.length }, this.#span))
      this.#file(piece.index).read(piece.offset, into.subarray(piece.at, piece.at + piece.length));
  }

  write(offset: number, bytes: Uint8Array): void {
    for (const piece of splitRange({ offset, length: bytes.length }, this.#span))
      this.#changed(piece.index).write(piece.offset, bytes.subarray(piece.at, piece.at + piece.length));
  }

  /** The file that holds the last byte in front of `size` ends there, and those behind it are emptied; those before it stay as long as they are. */
  truncate(size: number): void {
    const last = Math.max(0, Math.ceil(size / this.#span) - 1);
    for (let index = last + 1; index < this.#used; index += 1) this.#changed(index).truncate(0);
    this.#used = Math.min(this.#used, last + 1);
    this.#changed(last).truncate(size - last * this.#span);
  }

  allocate(range: ByteRange, mode: 'reserve' | 'zero'): void {
    for (const { index, offset, length } of splitRange(range, this.#span)) this.#changed(index).allocate({ offset, length }, mode);
  }

  locate(offset: number): ReturnType<TargetFile['locate']> {
    const index = Math.floor(offset / this.#span);
    const fileOffset = offset - index * this.#span;
    return { fd: this.#file(index).fd, fileOffset, length: this.#span - fileOffset };
  }

  async sync(range: ByteRange): Promise<void> {
    const touched = new Set(Array.from(splitRange(range, this.#span), ({ index }) => index)).union(this.#unsynced);
    this.#unsynced.clear();
    for (const index of touched) await this.#file(index).sync();
  }

  #changed(index: number): WritableDiskFile {
    this.#unsynced.add(index);
    this.#used = Math.max(this.#used, index + 1);
    return this.#file(index);
  }

  #file(index: number): WritableDiskFile {
    const known = this.#open.get(index);
    const file = known ?? WritableDiskFile.open(this.#paths[index] ?? '', 'continue');
    this.#open.delete(index);
    this.#open.set(index, file);
    const [oldest] = this.#open;
    if (oldest && this.#open.size > this.#openMax) {
      this.#open.delete(oldest[0]);
      oldest[1][Symbol.dispose]();
    }
    return file;
  }

  [Symbol.dispose](): void {
    for (const file of this.#open.values()) file[Symbol.dispose]();
  }
}

import { endOf, HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from './byte-file.ts';
import { ReadableDiskFile } from './disk-file.ts';

interface Piece {
  readonly file: ReadableDiskFile;
  /** In the whole. */
  readonly start: number;
}

/** Volumes of a split file, read as the file that `cat` would make of them. It has no descriptor: no call of the system reaches over a border. */
export class JoinedFile implements ByteFile {
  readonly path: string;
  readonly paths: readonly string[];
  readonly size: number;
  readonly #pieces: readonly Piece[];

  private constructor(files: readonly ReadableDiskFile[]) {
    this.path = files[0]?.path ?? '';
    this.paths = files.map(({ path }) => path);
    let start = 0;
    this.#pieces = files.map((file) => {
      const piece = { file, start };
      start += file.size;
      return piece;
    });
    this.size = start;
  }

  static open(paths: readonly string[]): JoinedFile {
    const files: ReadableDiskFile[] = [];
    try {
      for (const path of paths) files.push(ReadableDiskFile.open(path));
      return new JoinedFile(files);
    } catch (error) {
      for (const file of files) file[Symbol.dispose]();
      throw error;
    }
  }

  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.size) {
      throw new HyperError(
        'image/malformed',
        `The ${this.paths.length} volumes from ${this.path} on end at byte ${this.size}, before byte ${offset + into.length} that they refer to; one may be missing.`,
        { detail: { path: this.path, offset, length: into.length } },
      );
    }
    for (const { file, start, range } of this.#within({ offset, length: into.length }))
      file.read(range.offset - start, into.subarray(range.offset - offset, endOf(range) - offset));
  }

  *extents(whole: ByteRange): Generator<Extent> {
    for (const { file, start, range } of this.#within(whole))
      for (const extent of file.extents({ ...range, offset: range.offset - start })) yield { ...extent, offset: extent.offset + start };
  }

  [Symbol.dispose](): void {
    for (const { file } of this.#pieces) file[Symbol.dispose]();
  }

  /** The pieces that a range lies in, with the part of it that lies there. */
  *#within(whole: ByteRange): Generator<Piece & { readonly range: ByteRange }> {
    for (const { file, start } of this.#pieces) {
      const from = Math.max(whole.offset, start);
      const to = Math.min(endOf(whole), start + file.size);
      if (to > from) yield { file, start, range: { offset: from, length: to - from } };
    }
  }
}

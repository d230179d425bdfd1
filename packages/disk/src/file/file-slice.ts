import { endOf, HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from './byte-file.ts';

/** A part of a file, read as if it were a file of its own. Only offsets of the descriptor count from the start of the whole file. */
export class FileSlice implements ByteFile {
  readonly path: string;
  readonly size: number;
  readonly fd?: number;
  readonly #whole: ByteFile;
  readonly #start: number;

  /** Takes ownership of the file unless it throws. */
  constructor(whole: ByteFile, slice: ByteRange) {
    if (!(Number.isSafeInteger(slice.offset) && Number.isSafeInteger(slice.length) && slice.offset >= 0 && slice.length >= 0))
      throw new HyperError('usage/invalid', 'This is no part of a file.', { detail: { ...slice } });
    if (endOf(slice) > whole.size)
      throw new HyperError('source/changed', `${whole.path} is shorter than it was when its members were found.`, { detail: { path: whole.path } });
    this.path = whole.path;
    this.size = slice.length;
    if (whole.fd !== undefined) this.fd = whole.fd;
    this.#whole = whole;
    this.#start = slice.offset;
  }

  read(offset: number, into: Uint8Array): void {
    // What lies behind the end belongs to another member of the archive.
    if (offset + into.length > this.size) {
      throw new HyperError(
        'image/malformed',
        `The image at byte ${this.#start} of ${this.path} ends at its byte ${this.size}, before byte ${offset + into.length} that it refers to.`,
        { detail: { path: this.path, offset, length: into.length } },
      );
    }
    this.#whole.read(this.#start + offset, into);
  }

  *extents(range: ByteRange): Generator<Extent> {
    for (const extent of this.#whole.extents({ offset: this.#start + range.offset, length: range.length }))
      yield { ...extent, offset: extent.offset - this.#start };
  }

  [Symbol.dispose](): void {
    this.#whole[Symbol.dispose]();
  }
}

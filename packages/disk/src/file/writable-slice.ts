import type { ByteRange } from '@hypersdk/domain';
import type { WritableFile } from './byte-file.ts';

/** A file from one of its offsets on, written as if it began there. */
export class WritableSlice implements WritableFile {
  readonly path: string;
  readonly #whole: WritableFile;
  readonly #start: number;

  constructor(whole: WritableFile, start: number) {
    this.path = whole.path;
    this.#whole = whole;
    this.#start = start;
  }

  read(offset: number, into: Uint8Array): void {
    this.#whole.read(this.#start + offset, into);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#whole.write(this.#start + offset, bytes);
  }

  truncate(size: number): void {
    this.#whole.truncate(this.#start + size);
  }

  allocate(range: ByteRange, mode: 'reserve' | 'zero'): void {
    this.#whole.allocate({ ...range, offset: this.#start + range.offset }, mode);
  }
}

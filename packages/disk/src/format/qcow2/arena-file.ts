import type { ByteRange } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';

/** Test only: a file in memory that never moves as it grows, for images of tens of MiB that are made many times. */
export class ArenaFile implements WritableFile {
  readonly path = 'arena';
  readonly #arena: Uint8Array;
  #size = 0;

  constructor(capacity: number) {
    this.#arena = new Uint8Array(capacity);
  }

  get bytes(): Uint8Array {
    return this.#arena.subarray(0, this.#size);
  }

  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.#size) throw new RangeError(`Byte ${offset + into.length} is past the end.`);
    into.set(this.#arena.subarray(offset, offset + into.length));
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#arena.set(bytes, offset);
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  truncate(size: number): void {
    if (size < this.#size) this.#arena.fill(0, size, this.#size);
    this.#size = size;
  }

  allocate({ offset, length }: ByteRange): void {
    this.#size = Math.max(this.#size, offset + length);
  }
}

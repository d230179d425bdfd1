import { HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile, WritableFile } from './byte-file.ts';

/** A file in memory that grows as it is written: the reference for both file interfaces, and what fuzzers feed. */
export class MemoryFile implements ByteFile, WritableFile {
  readonly path: string;
  #bytes: Uint8Array;
  /** Room to grow into, doubled when it is used up. */
  #room: Uint8Array;

  constructor(bytes: Uint8Array = new Uint8Array(0), path = 'memory') {
    this.#bytes = bytes;
    this.#room = bytes;
    this.path = path;
  }

  get size(): number {
    return this.#bytes.length;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.#bytes.length) {
      throw new HyperError(
        'image/malformed',
        `${this.path} ends at byte ${this.#bytes.length}, before byte ${offset + into.length} that it refers to.`,
      );
    }
    into.set(this.#bytes.subarray(offset, offset + into.length));
  }

  *extents(range: ByteRange): Generator<Extent> {
    if (range.length > 0) yield { ...range, kind: 'data' };
  }

  write(offset: number, bytes: Uint8Array): void {
    if (offset + bytes.length > this.#bytes.length) this.truncate(offset + bytes.length);
    this.#bytes.set(bytes, offset);
  }

  truncate(size: number): void {
    const before = this.#bytes.length;
    if (size > this.#room.length) {
      this.#room = new Uint8Array(Math.max(size, 2 * before));
      this.#room.set(this.#bytes);
    }
    // What was cut off before must not come back when the file grows again.
    this.#room.fill(0, Math.min(size, before), before);
    this.#bytes = this.#room.subarray(0, size);
  }

  allocate(range: ByteRange): void {
    if (range.offset + range.length > this.#bytes.length) this.truncate(range.offset + range.length);
  }

  [Symbol.dispose](): void {
    // Memory needs no closing.
  }
}

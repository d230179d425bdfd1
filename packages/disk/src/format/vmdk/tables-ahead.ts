import type { ByteFile } from '../../file/byte-file.ts';
import { TABLE_SIZE } from './vmdk-limits.ts';

/** Tables mostly lie one after the other: 32 are read at once by whoever walks them. */
const AHEAD_SIZE = 32 * TABLE_SIZE;

/** A piece of the file read ahead of a walk over grain tables. */
export class TablesAhead {
  readonly #file: ByteFile;
  #bytes = new Uint8Array(0);
  #offset = 0;

  constructor(file: ByteFile) {
    this.#file = file;
  }

  holds(offset: number): boolean {
    return offset >= this.#offset && offset + TABLE_SIZE <= this.#offset + this.#bytes.length;
  }

  /** Reads from the table at `offset` on. Directories are checked before, so the table lies inside the file. */
  load(offset: number): void {
    const length = Math.min(AHEAD_SIZE, this.#file.size - offset);
    if (this.#bytes.length !== length) this.#bytes = new Uint8Array(length);
    this.#offset = offset;
    this.#file.read(offset, this.#bytes);
  }

  /** The bytes of a table that is held; good until the next `load`. */
  table(offset: number): Uint8Array {
    return this.#bytes.subarray(offset - this.#offset, offset - this.#offset + TABLE_SIZE);
  }
}

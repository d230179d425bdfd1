import type { ByteFile } from '../../file/byte-file.ts';

/** Tables mostly lie one after the other: 32 of the usual size are read at once by whoever walks them. */
const AHEAD_SIZE = 64 * 1024;

/** A piece of the file read ahead of a walk over grain tables. */
export class TablesAhead {
  readonly #file: ByteFile;
  readonly #tableSize: number;
  #bytes = new Uint8Array(0);
  #offset = 0;

  constructor(file: ByteFile, tableSize: number) {
    this.#file = file;
    this.#tableSize = tableSize;
  }

  holds(offset: number): boolean {
    return offset >= this.#offset && offset + this.#tableSize <= this.#offset + this.#bytes.length;
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
    return this.#bytes.subarray(offset - this.#offset, offset - this.#offset + this.#tableSize);
  }
}

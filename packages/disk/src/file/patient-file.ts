import { MIB, type ByteRange } from '@hypersdk/domain';
import type { WritableFile } from './byte-file.ts';

/** What is done at once: a few milliseconds of a disk's time, whether blocks are reserved or zeros written. */
const PIECE_SIZE = { reserve: 256 * MIB, zero: 4 * MIB } as const;

/**
 * A file whose large reservations are put off: a layout asks for them when it is made, and making room for a whole disk would hold up for minutes
 * whoever else works on this thread. They are made by walking `makeRoom`, before anything else is written there.
 */
export class PatientFile implements WritableFile {
  readonly path: string;
  readonly names?: readonly string[];
  readonly #file: WritableFile;
  readonly #wanted: { readonly range: ByteRange; readonly mode: 'reserve' | 'zero' }[] = [];

  constructor(file: WritableFile) {
    this.path = file.path;
    if (file.names) this.names = file.names;
    this.#file = file;
  }

  read(offset: number, into: Uint8Array): void {
    this.#file.read(offset, into);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#file.write(offset, bytes);
  }

  truncate(size: number): void {
    this.#file.truncate(size);
  }

  allocate(range: ByteRange, mode: 'reserve' | 'zero'): void {
    if (range.length > PIECE_SIZE[mode]) this.#wanted.push({ range, mode });
    else this.#file.allocate(range, mode);
  }

  /** Makes what was put off, a piece at each step. */
  *makeRoom(): Generator<undefined> {
    for (const { range, mode } of this.#wanted.splice(0)) {
      for (let at = 0; at < range.length; at += PIECE_SIZE[mode]) {
        this.#file.allocate({ offset: range.offset + at, length: Math.min(PIECE_SIZE[mode], range.length - at) }, mode);
        yield;
      }
    }
  }
}

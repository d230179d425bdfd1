import { KIB } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';

const PAGE_SIZE = 64 * KIB;
const PAGE_ENTRIES = PAGE_SIZE / 4;
/** In the tables of both VHD and VDI, a block with this entry is not there. */
const ABSENT_BYTE = 0xff;

export interface BlockTablePlace {
  readonly offset: number;
  readonly count: number;
  readonly byteOrder: 'big' | 'little';
}

/**
 * A table of 32-bit entries that is filled in rising order, one for each block of a disk. One page of it is held in memory; pages that are left are in the file.
 * Zero is a place like any other in these tables, so that what is absent has to be written too: it cannot stay a hole of the file.
 */
export class BlockTableWriter {
  readonly #file: WritableFile;
  readonly #place: BlockTablePlace;
  readonly #page = Buffer.alloc(PAGE_SIZE, ABSENT_BYTE);
  #number = 0;

  constructor(file: WritableFile, place: BlockTablePlace) {
    this.#file = file;
    this.#place = place;
  }

  set(index: number, entry: number): void {
    this.#turnTo(Math.floor(index / PAGE_ENTRIES));
    const at = (index % PAGE_ENTRIES) * 4;
    if (this.#place.byteOrder === 'big') this.#page.writeUInt32BE(entry, at);
    else this.#page.writeUInt32LE(entry, at);
  }

  /** Writes at least the entries below `index`. */
  flush(index: number): void {
    this.#turnTo(Math.max(this.#number, Math.floor(index / PAGE_ENTRIES)));
    this.#writePage();
  }

  finish(): void {
    this.flush(this.#place.count);
  }

  /** Goes on after a flush up to `index`; entries from there on are absent again. */
  restore(index: number): void {
    this.#number = Math.floor(index / PAGE_ENTRIES);
    const length = this.#lengthOf(this.#number);
    this.#file.read(this.#place.offset + this.#number * PAGE_SIZE, this.#page.subarray(0, length));
    this.#page.fill(ABSENT_BYTE, (index % PAGE_ENTRIES) * 4);
  }

  #turnTo(number: number): void {
    while (this.#number < number) {
      this.#writePage();
      this.#page.fill(ABSENT_BYTE);
      this.#number += 1;
    }
  }

  #writePage(): void {
    const length = this.#lengthOf(this.#number);
    if (length > 0) this.#file.write(this.#place.offset + this.#number * PAGE_SIZE, this.#page.subarray(0, length));
  }

  #lengthOf(number: number): number {
    return Math.max(0, Math.min(PAGE_SIZE, this.#place.count * 4 - number * PAGE_SIZE));
  }
}

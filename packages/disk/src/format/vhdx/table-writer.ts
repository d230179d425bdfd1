// MS-VHDX 2.5 "BAT".
import { KIB } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import { isZero } from '../../stream/is-zero.ts';
import { BLOCK_STATE, ENTRY_SIZE, entryOfBlock, OFFSET_SHIFT } from './table-entry.ts';
import { ALIGNMENT } from './vhdx-limits.ts';
import type { VhdxPlaces } from './vhdx-plan.ts';

/** One piece of the table is held in memory: 8192 entries. */
const PIECE_SIZE = 64 * KIB;
const PIECE_ENTRIES = PIECE_SIZE / ENTRY_SIZE;

/** Fills the block allocation table in rising order. Pieces without a block stay holes of the file. */
export class TableWriter {
  readonly #file: WritableFile;
  readonly #places: VhdxPlaces;
  readonly #piece = Buffer.alloc(PIECE_SIZE);
  #number = 0;
  #isDirty = false;

  constructor(file: WritableFile, places: VhdxPlaces) {
    this.#file = file;
    this.#places = places;
  }

  /** Says where a block lies; all earlier ones were named before. */
  set(block: number, fileOffset: number): void {
    const entry = entryOfBlock(block, this.#places.shape.ratio);
    this.#enter(Math.floor(entry / PIECE_ENTRIES));
    const at = (entry % PIECE_ENTRIES) * ENTRY_SIZE;
    const mebibytes = fileOffset / ALIGNMENT;
    const lowBits = 32 - OFFSET_SHIFT;
    this.#piece.writeUInt32LE((mebibytes % 2 ** lowBits) * 2 ** OFFSET_SHIFT + BLOCK_STATE.present, at);
    this.#piece.writeUInt32LE(Math.floor(mebibytes / 2 ** lowBits), at + 4);
    this.#isDirty = true;
  }

  flush(): void {
    if (!this.#isDirty) return;
    this.#file.write(this.#places.blockTable.offset + this.#number * PIECE_SIZE, this.#piece.subarray(0, this.#lengthOf(this.#number)));
    this.#isDirty = false;
  }

  /** Takes up the table as an interrupted run left it, and forgets all blocks from `block` on. */
  reload(block: number): void {
    const { blockTable, shape } = this.#places;
    const first = Math.min(entryOfBlock(block, shape.ratio), shape.entryCount);
    this.#number = Math.floor(first / PIECE_ENTRIES);
    const kept = (first % PIECE_ENTRIES) * ENTRY_SIZE;
    const piece = Buffer.alloc(PIECE_SIZE);
    for (let number = this.#number; number * PIECE_SIZE < blockTable.length; number += 1) {
      this.#file.read(blockTable.offset + number * PIECE_SIZE, piece);
      const stale = piece.subarray(number === this.#number ? kept : 0);
      // Most pieces are holes, and stay so.
      const isClean = isZero(stale);
      stale.fill(0);
      if (!isClean) this.#file.write(blockTable.offset + number * PIECE_SIZE, piece.subarray(0, this.#lengthOf(number)));
      if (number === this.#number) this.#piece.set(piece);
    }
  }

  #enter(number: number): void {
    if (number === this.#number) return;
    this.flush();
    this.#piece.fill(0);
    this.#number = number;
  }

  #lengthOf(number: number): number {
    return Math.min(PIECE_SIZE, this.#places.blockTable.length - number * PIECE_SIZE);
  }
}

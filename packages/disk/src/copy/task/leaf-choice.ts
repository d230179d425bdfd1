import type { Slot } from '../slots.ts';

/** What of a leaf is to be stored. Its content stands in the slot. */
export interface ChosenUnits {
  readonly dataRead: number;
  /** Length of each unit that is stored, 0 for those left out, `ZERO_UNIT` for zeros that are said; absent when all are left out. */
  readonly sizes?: Uint32Array<ArrayBuffer>;
  /** Of the leaf, when it counts as more than what everybody assumes of it: zeros, or what a parent holds. */
  readonly digest?: Uint8Array;
}

/** Reads a leaf and chooses the units of it that the target stores. The last unit of the disk is filled up with zeros. */
export interface LeafChoice extends Disposable {
  choose(leaf: number, slot: Slot): Promise<ChosenUnits>;
}

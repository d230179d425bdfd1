import type { ByteRange } from '@hypersdk/domain';

/** What became of a block of an overlay: `base` = untouched, `written` = in the overlay's file, `zero` = zeros. */
export type BlockState = (typeof STATES)[number];
const STATES = ['base', 'written', 'zero'] as const;

export const BLOCK_SIZE = 4096;
/** Blocks in one page: a page covers 64 MiB, and untouched pages take no memory. */
const PAGE_LENGTH = 16_384;

export interface StateRun extends ByteRange {
  readonly state: BlockState;
}

/** The state of each block of a disk, a byte for each, in pages that exist where something was written. */
export class BlockStates {
  readonly #pages = new Map<number, Uint8Array>();

  get(block: number): BlockState {
    return STATES[this.#pages.get(Math.floor(block / PAGE_LENGTH))?.[block % PAGE_LENGTH] ?? 0] ?? 'base';
  }

  set(block: number, state: BlockState): void {
    const index = Math.floor(block / PAGE_LENGTH);
    const page = this.#pages.get(index) ?? new Uint8Array(PAGE_LENGTH);
    this.#pages.set(index, page);
    page[block % PAGE_LENGTH] = STATES.indexOf(state);
  }

  /** The range as runs of one state, in order. */
  *runs({ offset, length }: ByteRange): Generator<StateRun> {
    const end = offset + length;
    for (let at = offset; at < end;) {
      const state = this.get(Math.floor(at / BLOCK_SIZE));
      let next = at;
      while (next < end && this.get(Math.floor(next / BLOCK_SIZE)) === state) next = this.#skip(next);
      const stop = Math.min(next, end);
      yield { offset: at, length: stop - at, state };
      at = stop;
    }
  }

  /** The start of the next block, or of the next page where this one was never touched. */
  #skip(at: number): number {
    const block = Math.floor(at / BLOCK_SIZE);
    const page = Math.floor(block / PAGE_LENGTH);
    return (this.#pages.has(page) ? block + 1 : (page + 1) * PAGE_LENGTH) * BLOCK_SIZE;
  }
}

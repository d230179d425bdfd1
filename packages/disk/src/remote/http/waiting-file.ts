import { HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { BLOCK_SIZE, SLOT_COUNT, SlotState, type FileWindow } from './file-window.ts';

/** Blocks asked for beyond a read that goes on where the last one ended. */
const AHEAD = 4;
/** Blocks that one read needs at once; a longer one is done in steps. Together with what is ahead they fit the window twice. */
const STEP = 8;
/** Between two looks at whether all this is still wanted. */
const LOOK_MS = 500;
/** Whoever fetches gives up long before; this is for the case that it died. */
const WAIT_MAX_MS = 10 * 60_000;

/** A file whose blocks another thread fetches, while this one waits for them: so that format readers can be plain functions. */
export class WaitingFile implements ByteFile {
  readonly path: string;
  readonly size: number;
  readonly #window: FileWindow;
  readonly #fetch: (slot: number, range: ByteRange) => void;
  /** Slot of each block that is there or on its way, the one that was used last at the end. */
  readonly #slots = new Map<number, number>();
  readonly #free = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);
  #lastBlock = -1;
  #bytesFetched = 0;

  constructor(o: {
    readonly path: string;
    readonly size: number;
    readonly window: FileWindow;
    readonly fetch: (slot: number, range: ByteRange) => void;
  }) {
    this.path = o.path;
    this.size = o.size;
    this.#window = o.window;
    this.#fetch = o.fetch;
  }

  /** All that was asked for, what was read ahead included. */
  get bytesFetched(): number {
    return this.#bytesFetched;
  }

  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.size) {
      throw new HyperError('image/malformed', `${this.path} ends at byte ${this.size}, before byte ${offset + into.length} that it refers to.`, {
        detail: { path: this.path, offset, length: into.length },
      });
    }
    const step = STEP * BLOCK_SIZE;
    for (let at = 0; at < into.length;) {
      const end = Math.min(into.length, at + step - ((offset + at) % BLOCK_SIZE));
      this.#readStep(offset + at, into.subarray(at, end));
      at = end;
    }
  }

  #readStep(offset: number, into: Uint8Array): void {
    const first = Math.floor(offset / BLOCK_SIZE);
    const last = Math.floor((offset + into.length - 1) / BLOCK_SIZE);
    const isSequential = first === this.#lastBlock || first === this.#lastBlock + 1;
    this.#lastBlock = last;
    const lastOfFile = Math.floor((this.size - 1) / BLOCK_SIZE);
    const until = Math.min(lastOfFile, isSequential ? last + AHEAD : last);
    for (let block = first; block <= until; block += 1) this.#want(block);
    for (let block = first; block <= last; block += 1) {
      const bytes = this.#bytesOf(block);
      const start = block * BLOCK_SIZE;
      const from = Math.max(0, offset - start);
      const to = Math.min(BLOCK_SIZE, offset + into.length - start);
      into.set(bytes.subarray(from, to), start + from - offset);
    }
  }

  /** The block is there or on its way afterwards. */
  #want(block: number): void {
    const known = this.#slots.get(block);
    this.#slots.delete(block);
    const slot = known ?? this.#free.pop() ?? this.#evict();
    this.#slots.set(block, slot);
    if (known !== undefined) return;
    this.#window.begin(slot);
    const offset = block * BLOCK_SIZE;
    const length = Math.min(BLOCK_SIZE, this.size - offset);
    this.#bytesFetched += length;
    this.#fetch(slot, { offset, length });
  }

  /** The slot of the block that was not used for the longest time. What is on its way into it has to arrive first. */
  #evict(): number {
    const [oldest] = this.#slots;
    if (!oldest) throw new HyperError('internal/unexpected', 'A window without slots was read through.');
    const [block, slot] = oldest;
    this.#settle(slot);
    this.#slots.delete(block);
    return slot;
  }

  #bytesOf(block: number): Uint8Array {
    const slot = this.#slots.get(block);
    if (slot === undefined) throw new HyperError('internal/unexpected', `Block ${block} left the window while it was needed.`);
    this.#settle(slot);
    if (this.#window.stateOf(slot) === SlotState.filled) return this.#window.slot(slot);
    // The next read asks for it anew.
    this.#slots.delete(block);
    this.#free.push(slot);
    throw new HyperError('source/unreadable', `${this.path} cannot be read at byte ${block * BLOCK_SIZE}.`);
  }

  #settle(slot: number): void {
    for (let waited = 0; this.#window.stateOf(slot) === SlotState.pending; waited += LOOK_MS) {
      if (this.#window.isStopped) throw new HyperError('transfer/cancelled', 'The image is no longer wanted.');
      if (waited > WAIT_MAX_MS) throw new HyperError('source/unreadable', `Nobody fetches ${this.path} any more.`);
      this.#window.wait(slot, LOOK_MS);
    }
  }

  *extents(range: ByteRange): Generator<Extent> {
    if (range.length > 0) yield { ...range, kind: 'data' };
  }

  [Symbol.dispose](): void {}
}

import { LEAF_SIZE, MIB } from '@hypersdk/domain';
import { TreeBuilder } from '../digest/tree.ts';
import type { Attempt } from './attempt.ts';
import { settledLeaves, type LeafEntry } from './checkpoint-file.ts';
import type { LeafResult } from './messages.ts';
import type { Run } from './run.ts';
import { WrittenRange } from './written-range.ts';

/** A checkpoint is begun after this much data or time, whichever comes first. */
const DUE_SIZE = 24 * MIB;
const DUE_MS = 5000;

/** All that may be settled or in hand without being on the medium: the most that a killed copy does again. */
const WINDOW_SIZE = 64 * MIB;
/** For each mover beyond those for which the window is enough: its leaves in hand, and as much again that is being synced. */
const WINDOW_SIZE_EACH = 32 * MIB;

/** Takes results in leaf order into the hash tree and the checkpoint file, and makes them durable window by window while the copy goes on. */
export class Checkpointer {
  readonly tree: TreeBuilder;
  readonly #attempt: Attempt;
  readonly #virtualSize: number;
  readonly #isDurable: boolean;
  readonly #windowSize: number;
  readonly #written = new WrittenRange();
  #entries: LeafEntry[] = [];
  #leaves: number;
  #dataSince = 0;
  #dataInFlight = 0;
  #taken = 0;
  #run: Pick<Run, 'limit'> | undefined;
  #since = performance.now();
  #inFlight: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isSuspect = false;

  constructor(attempt: Attempt, o: { readonly virtualSize: number; readonly isDurable: boolean; readonly movers: number }) {
    this.#attempt = attempt;
    this.#virtualSize = o.virtualSize;
    this.#isDurable = o.isDurable;
    this.#windowSize = Math.max(WINDOW_SIZE, o.movers * WINDOW_SIZE_EACH);
    this.#leaves = attempt.leaves;
    this.tree = new TreeBuilder(o.virtualSize);
    if (attempt.leaves > 0) for (const { leaf, digest } of settledLeaves(attempt.files.checkpoint)) this.tree.add(leaf, Buffer.from(digest));
  }

  started(run: Pick<Run, 'limit'>): void {
    this.#run = run;
    this.#limit();
  }

  /** The units of a leaf got their offsets. */
  placed(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    this.#written.place(leaf, sizes, offsets);
  }

  take(result: LeafResult): void {
    this.#throwFailure();
    if (result.stored > 0) this.#written.settle(result.leaf, this.#virtualSize);
    if (result.digest) {
      this.tree.add(result.leaf, Buffer.from(result.digest));
      this.#entries.push({ leaf: result.leaf, digest: result.digest });
    }
    this.#leaves = result.leaf + 1;
    this.#taken += 1;
    this.#dataSince += Math.max(result.dataRead, result.stored);
    const isDue = this.#dataSince >= DUE_SIZE || performance.now() - this.#since >= DUE_MS;
    if (isDue && !this.#inFlight) this.#inFlight = this.#checkpoint().finally(() => this.#landed());
    this.#limit();
  }

  /** Confirms everything taken, up to the last leaf of the disk. */
  async finish(leafCount: number): Promise<void> {
    while (this.#inFlight) await this.#inFlight;
    this.#throwFailure();
    this.#leaves = leafCount;
    await this.#checkpoint();
    this.#throwFailure();
  }

  /** Saves what is settled when the copy ends early. Never rejects: without it, the checkpoint before is what counts. */
  async keep(): Promise<void> {
    while (this.#inFlight) await this.#inFlight;
    if (!this.#failure && this.#isDurable) await this.#checkpoint();
  }

  /** A sync of the target failed: nobody knows which pages reached the medium, so this file must not be continued (fsync(2), EIO). */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** As many leaves may be begun as would fit the window if each were full. After a failure all may, so that the next result can tell it. */
  #limit(): void {
    if (!this.#isDurable) return;
    const room = this.#windowSize - this.#dataInFlight - this.#dataSince;
    this.#run?.limit(this.#failure ? Number.POSITIVE_INFINITY : this.#taken + Math.max(0, Math.floor(room / LEAF_SIZE)));
  }

  #landed(): void {
    this.#inFlight = undefined;
    this.#dataInFlight = 0;
    this.#limit();
    // Nothing more may come to make the next one due.
    if (this.#dataSince >= DUE_SIZE && !this.#failure) this.#inFlight = this.#checkpoint().finally(() => this.#landed());
  }

  /** Never rejects: a failure is kept and thrown at the next result. */
  async #checkpoint(): Promise<void> {
    try {
      const entries = this.#nextWindow();
      if (this.#isDurable) await this.#confirm(entries);
      else {
        this.#attempt.sealed?.file.settle();
        this.#attempt.checkpoint?.append({ entries });
      }
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #confirm(entries: readonly LeafEntry[]): Promise<void> {
    const { layout, target, checkpoint, sealed } = this.#attempt;
    const mark = layout.flush(this.#leaves);
    const chunks = sealed?.file.settle();
    await sealed?.file.sync();
    const written = this.#written.take();
    await target.sync(sealed ? sealed.file.placeOf(written) : written).catch((error: unknown) => {
      this.#isSuspect = true;
      throw error;
    });
    checkpoint?.append({ mark, entries, ...(chunks ? { sealed: chunks } : {}) });
    checkpoint?.sync();
    sealed?.file.confirm();
  }

  #nextWindow(): readonly LeafEntry[] {
    const window = this.#entries;
    this.#entries = [];
    this.#dataInFlight = this.#dataSince;
    this.#dataSince = 0;
    this.#since = performance.now();
    return window;
  }
}

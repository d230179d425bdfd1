import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import { MIB } from '@hypersdk/domain';
import { TreeBuilder } from '../digest/tree.ts';
import { toTargetError } from '../file/io-error.ts';
import type { Attempt } from './attempt.ts';
import { settledLeaves, type LeafEntry } from './checkpoint-file.ts';
import type { LeafResult } from './messages.ts';

/** A checkpoint is made after this much data or time, whichever comes first: the most that a killed copy does again. */
const WINDOW_SIZE = 64 * MIB;
const WINDOW_MS = 5000;

const syncData = promisify(fdatasync);

/** Takes results in leaf order into the hash tree and the checkpoint file, and makes them durable window by window while the copy goes on. */
export class Checkpointer {
  readonly tree: TreeBuilder;
  readonly #attempt: Attempt;
  readonly #isDurable: boolean;
  #entries: LeafEntry[] = [];
  #leaves: number;
  #dataSince = 0;
  #since = performance.now();
  #inFlight: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isSuspect = false;

  constructor(attempt: Attempt, o: { readonly virtualSize: number; readonly isDurable: boolean }) {
    this.#attempt = attempt;
    this.#isDurable = o.isDurable;
    this.#leaves = attempt.leaves;
    this.tree = new TreeBuilder(o.virtualSize);
    if (attempt.leaves > 0) for (const { leaf, digest } of settledLeaves(attempt.files.checkpoint)) this.tree.add(leaf, Buffer.from(digest));
  }

  take(result: LeafResult): void {
    this.#throwFailure();
    if (result.digest) {
      this.tree.add(result.leaf, Buffer.from(result.digest));
      this.#entries.push({ leaf: result.leaf, digest: result.digest });
    }
    this.#leaves = result.leaf + 1;
    this.#dataSince += Math.max(result.dataRead, result.stored);
    const isDue = this.#dataSince >= WINDOW_SIZE || performance.now() - this.#since >= WINDOW_MS;
    if (isDue && !this.#inFlight) this.#inFlight = this.#checkpoint().finally(() => (this.#inFlight = undefined));
  }

  /** Confirms everything taken, up to the last leaf of the disk. */
  async finish(leafCount: number): Promise<void> {
    await this.#inFlight;
    this.#throwFailure();
    this.#leaves = leafCount;
    await this.#checkpoint();
    this.#throwFailure();
  }

  /** Saves what is settled when the copy ends early. Never rejects: without it, the checkpoint before is what counts. */
  async keep(): Promise<void> {
    await this.#inFlight;
    if (!this.#failure && this.#isDurable) await this.#checkpoint();
  }

  /** A sync of the target failed: nobody knows which pages reached the medium, so this file must not be continued (fsync(2), EIO). */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Never rejects: a failure is kept and thrown at the next result. */
  async #checkpoint(): Promise<void> {
    try {
      if (this.#isDurable) await this.#confirm();
      else this.#attempt.checkpoint?.append({ entries: this.#nextWindow() });
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #confirm(): Promise<void> {
    const { layout, target, checkpoint } = this.#attempt;
    const entries = this.#nextWindow();
    const mark = layout.flush(this.#leaves);
    await syncData(target.fd).catch((cause: unknown) => {
      this.#isSuspect = true;
      throw toTargetError(cause, target.path, 'syncing it');
    });
    checkpoint?.append({ mark, entries });
    checkpoint?.sync();
  }

  #nextWindow(): readonly LeafEntry[] {
    const window = this.#entries;
    this.#entries = [];
    this.#dataSince = 0;
    this.#since = performance.now();
    return window;
  }
}

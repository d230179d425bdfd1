import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { HyperError } from '@hypersdk/domain';
import type { FromMover, TaskSpec } from './messages.ts';
import type { PlannedLeaf } from './plan-leaves.ts';
import { Run, type LeafHandlers } from './run.ts';

/** Beyond this many movers one disk or page cache is the limit. */
const MOVER_COUNT_MAX = 16;

/** A mover needs little heap of its own: its buffers lie outside. */
const MOVER_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };

export const defaultMoverCount = (): number => Math.max(1, Math.min(MOVER_COUNT_MAX, availableParallelism()));

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Movers that take part; all by default. */
  readonly movers?: number;
}

/** The movers of one transfer, shared by all its jobs. */
export class Crew implements Disposable {
  readonly #workers: Worker[];
  readonly #runs = new Map<number, Run>();
  #lastTask = 0;

  constructor(moverCount: number) {
    this.#workers = Array.from({ length: Math.min(moverCount, MOVER_COUNT_MAX) }, () => this.#hire());
  }

  /** Has the movers work off all leaves. Settles when each is done and every mover has closed its files, also after a failure. */
  async run(spec: TaskSpec, leaves: Iterable<PlannedLeaf>, o: RunOptions & { readonly on: LeafHandlers }): Promise<void> {
    o.signal.throwIfAborted();
    this.#lastTask += 1;
    const task = this.#lastTask;
    const run = new Run(task, { workers: this.#workers.slice(0, o.movers ?? this.#workers.length), leaves: leaves[Symbol.iterator](), on: o.on });
    this.#runs.set(task, run);
    const stop = (): void => run.fail(o.signal.reason);
    o.signal.addEventListener('abort', stop, { once: true });
    try {
      await run.start(spec);
    } finally {
      o.signal.removeEventListener('abort', stop);
      this.#runs.delete(task);
    }
  }

  #hire(): Worker {
    const worker = new Worker(new URL('./mover.ts', import.meta.url), { workerData: 'mover', resourceLimits: MOVER_LIMITS });
    worker.on('message', (message: FromMover) => this.#runs.get(message.task)?.take(message, worker));
    worker.on('error', (cause) =>
      this.#failAll(
        new HyperError('internal/unexpected', `A mover thread ended: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause }),
        worker,
      ),
    );
    return worker;
  }

  #failAll(error: HyperError, worker: Worker): void {
    for (const run of this.#runs.values()) run.lose(worker, error);
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) void worker.terminate();
  }
}

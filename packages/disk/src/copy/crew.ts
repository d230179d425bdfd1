import { availableParallelism } from 'node:os';
import { MessageChannel, MessagePort, Worker } from 'node:worker_threads';
import { HyperError } from '@hypersdk/domain';
import type { FromMover, TaskSpec } from './messages.ts';
import { Mover } from './mover.ts';
import type { PlannedLeaf } from './plan-leaves.ts';
import { Run, type LeafHandlers, type MoverPort } from './run.ts';

/** Beyond this many movers one disk or page cache is the limit. */
const MOVER_COUNT_MAX = 16;

/**
 * With so few movers, one of them works on the coordinator's own thread: each thread costs 15 MiB and 30 ms of CPU. With more, a coordinator that is
 * busy with a leaf would keep the others waiting.
 */
const SHARED_THREAD_MAX = 2;

/** A mover needs little heap of its own: its buffers lie outside. */
const MOVER_LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 128 };

export const defaultMoverCount = (): number => Math.max(1, Math.min(MOVER_COUNT_MAX, availableParallelism()));

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Movers that take part; all by default. `hereAnd`: one on this very thread, which shares its open remote disks, and so many others. */
  readonly movers?: number | { readonly hereAnd: number };
}

/** The movers of one transfer, shared by all its jobs. */
export class Crew implements Disposable {
  readonly moverCount: number;
  /** The way to each mover that was needed so far, on a thread of its own or on this one. */
  readonly #movers: (Worker | MessagePort)[] = [];
  #local: MessagePort | undefined;
  readonly #runs = new Map<number, Run>();
  #lastTask = 0;

  constructor(moverCount: number) {
    this.moverCount = Math.min(moverCount, MOVER_COUNT_MAX);
  }

  /** Has the movers work off all leaves. Settles when each is done and every mover has closed its files, also after a failure. */
  async run(spec: TaskSpec, leaves: Iterable<PlannedLeaf>, o: RunOptions & { readonly on: LeafHandlers }): Promise<void> {
    o.signal.throwIfAborted();
    this.#lastTask += 1;
    const task = this.#lastTask;
    const hire = (leafCount: number): readonly MoverPort[] => {
      const { movers = this.moverCount } = o;
      if (typeof movers === 'number') return this.#hire(Math.min(leafCount, this.moverCount, movers));
      return this.#hireWithHere(Math.min(leafCount, this.moverCount, 1 + movers.hereAnd));
    };
    const run = new Run(task, { hire, leaves: leaves[Symbol.iterator](), on: o.on });
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

  #hireWithHere(count: number): readonly MoverPort[] {
    const here = this.#here();
    return count === 0 ? [] : [here, ...this.#hire(count).filter((mover) => mover !== here)].slice(0, count);
  }

  #hire(count: number): readonly MoverPort[] {
    while (this.#movers.length < count) {
      const isHere = this.#movers.length === 0 && this.moverCount <= SHARED_THREAD_MAX;
      this.#movers.push(isHere ? this.#here() : this.#hireThread());
    }
    return this.#movers.slice(0, count);
  }

  #here(): MessagePort {
    this.#local ??= this.#hireHere();
    return this.#local;
  }

  #hireHere(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    new Mover(port2);
    port1.on('message', (message: FromMover) => this.#runs.get(message.task)?.take(message, port1));
    return port1;
  }

  #hireThread(): Worker {
    const worker = new Worker(new URL('./mover-thread.ts', import.meta.url), { resourceLimits: MOVER_LIMITS });
    worker.on('message', (message: FromMover) => this.#runs.get(message.task)?.take(message, worker));
    worker.on('error', (cause) => this.#replace(worker, cause));
    return worker;
  }

  /** The runs of a mover that died have failed; the next ones have a new mover. */
  #replace(worker: Worker, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    for (const run of this.#runs.values()) run.lose(worker, new HyperError('internal/unexpected', `A mover thread ended: ${why}.`, { cause }));
    this.#movers.splice(this.#movers.indexOf(worker), 1, this.#hireThread());
  }

  [Symbol.dispose](): void {
    this.#local?.close();
    for (const mover of this.#movers) {
      if (mover instanceof MessagePort) mover.close();
      else void mover.terminate();
    }
  }
}

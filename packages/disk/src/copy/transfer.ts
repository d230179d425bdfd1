import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { HyperError } from '@hypersdk/domain';
import type { CopyProgress, ExportFiller, RateBudget, Transfer, Watch } from '@hypersdk/ports';
import { Throttle } from '../stream/throttle.ts';
import { defaultMoverCount } from './crew.ts';
import type { FromCoordinator, JobOutcomes, JobRequest, ToCoordinator } from './messages.ts';
import { fromWireError } from './wire-error.ts';

/** The coordinator holds tables and digests of a window, never the disk. */
const COORDINATOR_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 512 };

interface RunningJob {
  readonly resolve: (outcome: JobOutcomes[keyof JobOutcomes]) => void;
  readonly reject: (error: HyperError) => void;
  readonly onProgress: ((progress: CopyProgress) => void) | undefined;
}

/** Opens the copy engine: one coordinating thread and `workers` movers (default: one for each core) that start with the first job. */
export function openTransfer(o: { readonly workers?: number } = {}): Transfer & ExportFiller {
  return new ThreadedTransfer(o.workers ?? defaultMoverCount());
}

class ThreadedTransfer implements Transfer, ExportFiller {
  readonly #moverCount: number;
  readonly #jobs = new Map<number, RunningJob>();
  #coordinator: Worker | undefined;
  #lastJob = 0;

  constructor(moverCount: number) {
    this.#moverCount = moverCount;
  }

  async copy(request: Parameters<Transfer['copy']>[0], o: Watch<CopyProgress>): ReturnType<Transfer['copy']> {
    return this.#run<'copy'>({ kind: 'copy', request }, o);
  }

  async verify(request: Parameters<Transfer['verify']>[0], o: Watch<CopyProgress>): ReturnType<Transfer['verify']> {
    return this.#run<'verify'>({ kind: 'verify', request }, o);
  }

  async compare(
    a: Parameters<Transfer['compare']>[0],
    b: Parameters<Transfer['compare']>[1],
    o: Watch<CopyProgress>,
  ): ReturnType<Transfer['compare']> {
    return this.#run<'compare'>({ kind: 'compare', a, b }, o);
  }

  async digest(source: Parameters<Transfer['digest']>[0], o: Watch<CopyProgress>): ReturnType<Transfer['digest']> {
    return this.#run<'digest'>({ kind: 'digest', source }, o);
  }

  async fill(request: Parameters<ExportFiller['fill']>[0], o: Watch<CopyProgress>): ReturnType<ExportFiller['fill']> {
    return this.#run<'fill'>({ kind: 'fill', request }, o);
  }

  openBudget(bytesPerSecond: number): RateBudget {
    return { shared: Throttle.create(bytesPerSecond) };
  }

  setRate({ shared }: RateBudget, bytesPerSecond: number): void {
    // The moment that movers count from, too.
    new Throttle(shared).setRate(bytesPerSecond, performance.timeOrigin + performance.now());
  }

  async #run<Kind extends JobRequest['kind']>(request: Extract<JobRequest, { kind: Kind }>, o: Watch<CopyProgress>): Promise<JobOutcomes[Kind]> {
    o.signal.throwIfAborted();
    this.#lastJob += 1;
    const job = this.#lastJob;
    const coordinator = this.#running();
    const cancel = (): void => coordinator.postMessage({ type: 'cancel', job } satisfies ToCoordinator);
    o.signal.addEventListener('abort', cancel, { once: true });
    try {
      const outcome = await new Promise<JobOutcomes[keyof JobOutcomes]>((resolve, reject) => {
        this.#jobs.set(job, { resolve, reject, onProgress: o.onProgress });
        coordinator.postMessage({ type: 'start', job, request } satisfies ToCoordinator);
      });
      // The coordinator answers each job with the outcome of its kind.
      return outcome as JobOutcomes[Kind];
    } catch (error) {
      o.signal.throwIfAborted();
      throw error;
    } finally {
      o.signal.removeEventListener('abort', cancel);
      this.#jobs.delete(job);
    }
  }

  #running(): Worker {
    this.#coordinator ??= this.#start();
    return this.#coordinator;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./coordinator.ts', import.meta.url), {
      workerData: { moverCount: this.#moverCount },
      resourceLimits: COORDINATOR_LIMITS,
    });
    worker.on('message', (message: FromCoordinator) => this.#take(message));
    worker.on('error', (cause) => this.#lose(cause));
    return worker;
  }

  #take(message: FromCoordinator): void {
    if (message.type === 'closed') return;
    const job = this.#jobs.get(message.job);
    switch (message.type) {
      case 'progress':
        return job?.onProgress?.(message.progress);
      case 'succeeded':
        return job?.resolve(message.outcome);
      case 'failed':
        return job?.reject(fromWireError(message.error));
    }
  }

  #lose(cause: unknown): void {
    this.#coordinator = undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    for (const job of this.#jobs.values()) job.reject(new HyperError('internal/unexpected', `The coordinating thread ended: ${why}.`, { cause }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const coordinator = this.#coordinator;
    this.#coordinator = undefined;
    if (!coordinator) return;
    coordinator.postMessage({ type: 'close' } satisfies ToCoordinator);
    await new Promise((resolve) => coordinator.once('exit', resolve));
  }
}

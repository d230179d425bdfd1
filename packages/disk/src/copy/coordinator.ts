// Entry of the coordinator thread: runs jobs, keeps their tables and checkpoints, and hands leaves to the movers.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { HyperError } from '@hypersdk/domain';
import { openLocator } from '../locator/open-locator.ts';
import { compareDisks } from './compare-disks.ts';
import { copyDisk } from './copy-disk.ts';
import { Crew } from './crew.ts';
import { fillExport } from './fill-export.ts';
import { hashDisk } from './hash-leaves.ts';
import type { FromCoordinator, JobOutcomes, JobRequest, ToCoordinator } from './messages.ts';
import type { JobTools } from './job.ts';
import { Progress } from './progress.ts';
import { verifyDisk } from './verify-disk.ts';
import { toWireError } from './wire-error.ts';

class Coordinator {
  readonly #port: MessagePort;
  readonly #crew: Crew;
  readonly #jobs = new Map<number, { readonly cancel: AbortController; readonly ended: Promise<void> }>();

  constructor(port: MessagePort, moverCount: number) {
    this.#port = port;
    this.#crew = new Crew(moverCount);
    port.on('message', (message: ToCoordinator) => this.#take(message));
  }

  #take(message: ToCoordinator): void {
    switch (message.type) {
      case 'start':
        return this.#start(message.job, message.request);
      case 'cancel':
        return this.#jobs.get(message.job)?.cancel.abort(cancelled());
      case 'close':
        return void this.#close();
    }
  }

  #start(job: number, request: JobRequest): void {
    const cancel = new AbortController();
    this.#jobs.set(job, { cancel, ended: this.#work(job, request, cancel.signal) });
  }

  /** Jobs end first, with their checkpoints and with word to whoever waits for them. */
  async #close(): Promise<void> {
    for (const { cancel } of this.#jobs.values()) cancel.abort(cancelled());
    await Promise.all(Array.from(this.#jobs.values(), ({ ended }) => ended));
    this.#crew[Symbol.dispose]();
    this.#send({ type: 'closed' });
    this.#port.close();
  }

  /** Never rejects: every job ends in exactly one message. */
  async #work(job: number, request: JobRequest, signal: AbortSignal): Promise<void> {
    try {
      const tools: JobTools = { crew: this.#crew, signal, report: (progress) => this.#send({ type: 'progress', job, progress }) };
      this.#send({ type: 'succeeded', job, outcome: await runJob(request, tools) });
    } catch (error) {
      this.#send({ type: 'failed', job, error: toWireError(error) });
    } finally {
      this.#jobs.delete(job);
    }
  }

  #send(message: FromCoordinator): void {
    this.#port.postMessage(message);
  }
}

const cancelled = (): HyperError => new HyperError('transfer/cancelled', 'The transfer was cancelled.');

async function runJob(job: JobRequest, tools: JobTools): Promise<JobOutcomes[keyof JobOutcomes]> {
  switch (job.kind) {
    case 'copy':
      return copyDisk(job.request, tools);
    case 'verify':
      return verifyDisk(job.request, tools);
    case 'compare':
      return compareDisks(job.a, job.b, tools);
    case 'fill':
      return fillExport(job.request, tools);
    case 'digest': {
      using image = await openLocator(job.source, tools);
      const progress = new Progress(image.virtualSize, tools.report);
      return await hashDisk({
        ...tools,
        source: job.source,
        virtualSize: image.virtualSize,
        onLeaf: (result) => progress.advance(result.leaf, result.dataRead),
      });
    }
  }
}

const moverCount: unknown = workerData?.moverCount;
if (parentPort && typeof moverCount === 'number') new Coordinator(parentPort, moverCount);

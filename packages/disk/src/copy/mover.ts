import { setImmediate } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { HyperError, type ErrorCode } from '@hypersdk/domain';
import type { FromMover, TaskSpec, ToMover } from './messages.ts';
import { SlotPool, type Slot } from './slots.ts';
import { openTask } from './task/open-task.ts';
import type { LeafTask } from './task/leaf-task.ts';
import { toWireError } from './wire-error.ts';
import { WorkRing, type Work } from './work-ring.ts';

/** Leaves in hand at once: while one waits for its place or for a pace, the other is worked on. */
const LANE_COUNT = 2;

interface Placing {
  readonly resolve: (offsets: Float64Array) => void;
  readonly reject: (reason: HyperError) => void;
}

/** What a server says, or does, to one client more than it serves. The first mover's connection is there already, so such a server is not gone. */
const NO_FURTHER_READER = new Set<ErrorCode>([
  'nbd/lost',
  'nbd/timeout',
  'nbd/unreachable',
  'nbd/refused',
  'nbd/no-export',
  'http/busy',
  'http/lost',
  'http/timeout',
  'http/unreachable',
]);

interface RunningTask {
  readonly spec: TaskSpec;
  readonly ring: WorkRing;
  readonly placing: Map<number, Placing>;
  readonly stop: AbortController;
  readonly finished: Promise<void>;
  isOpen: boolean;
}

/** Opens tasks as the coordinator tells it through a port, and works off their leaves. */
export class Mover {
  readonly #port: MessagePort;
  readonly #slots = new SlotPool(LANE_COUNT);
  readonly #tasks = new Map<number, RunningTask>();

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: ToMover) => this.#take(message));
  }

  #take(message: ToMover): void {
    switch (message.type) {
      case 'start':
        return this.#start(message);
      case 'placed':
        return this.#placed(message);
      case 'end':
        return void this.#end(message.task);
    }
  }

  #start({ task, spec, ring: shared }: ToMover & { type: 'start' }): void {
    const ring = new WorkRing(shared);
    const placing: RunningTask['placing'] = new Map();
    const place = (work: Work, sizes: Uint32Array<ArrayBuffer> | undefined): Promise<Float64Array> =>
      new Promise((resolve, reject) => {
        // After the stop nobody answers any more.
        if (ring.stopped) return reject(stopped());
        placing.set(work.sequence, { resolve, reject });
        this.#send({ type: 'place', task, sequence: work.sequence, leaf: work.leaf, sizes });
      });
    const stop = new AbortController();
    const { promise: finished, resolve } = Promise.withResolvers<void>();
    const running: RunningTask = { spec, ring, placing, stop, finished, isOpen: false };
    this.#tasks.set(task, running);
    void this.#work(task, running, () => openTask(spec, { ring, signal: stop.signal, place })).then(resolve);
  }

  #placed({ task, sequence, offsets }: ToMover & { type: 'placed' }): void {
    const placing = this.#tasks.get(task)?.placing;
    placing?.get(sequence)?.resolve(offsets);
    placing?.delete(sequence);
  }

  async #end(task: number): Promise<void> {
    const running = this.#tasks.get(task);
    // Lanes that still wait for a place will get none; their leaf is given up.
    for (const { reject } of running?.placing.values() ?? []) reject(stopped());
    // What is not open by now is not needed any more.
    if (running?.ring.stopped || running?.isOpen === false) running.stop.abort(stopped());
    await running?.finished;
    this.#tasks.delete(task);
    this.#send({ type: 'ended', task });
  }

  async #work(task: number, running: RunningTask, open: () => Promise<LeafTask>): Promise<void> {
    const { ring, stop } = running;
    try {
      using leafTask = await open();
      running.isOpen = true;
      await Promise.all(Array.from({ length: LANE_COUNT }, () => this.#lane(task, running, leafTask)));
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!running.isOpen && error instanceof HyperError && NO_FURTHER_READER.has(error.code))
        return this.#send({ type: 'declined', task, error: toWireError(error) });
      this.#fail(task, ring, error);
    }
  }

  /** Never rejects, so that the task stays open until every lane has let go of it. */
  async #lane(task: number, { spec, ring }: RunningTask, leafTask: LeafTask): Promise<void> {
    for (;;) {
      // Messages for other tasks must get through between two leaves.
      await setImmediate();
      if (spec.kind === 'hash' && spec.yieldsToContainers) await this.#containersDone();
      const slot = await this.#slots.acquire();
      const seen = ring.changes;
      // A leaf is claimed only with a slot in hand: a claimed leaf always makes progress, so no two tasks can wait for each other.
      const work = ring.claim();
      if (typeof work === 'object') await this.#workOn(task, work, { ring, leafTask, slot });
      this.#slots.release(slot);
      if (work === undefined) return;
      if (work === 'none yet') await ring.changed(seen);
    }
  }

  async #containersDone(): Promise<void> {
    for (const { spec, finished } of this.#tasks.values()) if (spec.kind === 'container') await finished;
  }

  async #workOn(
    task: number,
    work: Work,
    { ring, leafTask, slot }: { readonly ring: WorkRing; readonly leafTask: LeafTask; readonly slot: Slot },
  ): Promise<void> {
    try {
      const result = await leafTask.run(work, slot);
      this.#send({ type: 'done', task, sequence: work.sequence, result });
    } catch (error) {
      this.#fail(task, ring, error);
    }
  }

  #fail(task: number, ring: WorkRing, error: unknown): void {
    const stoppedBefore = ring.stopped;
    ring.stop();
    // What fails after the stop fails because of it.
    if (!stoppedBefore) this.#send({ type: 'failed', task, error: toWireError(error) });
  }

  #send(message: FromMover): void {
    this.#port.postMessage(message);
  }
}

const stopped = (): HyperError => new HyperError('transfer/cancelled', 'The copy was stopped.');

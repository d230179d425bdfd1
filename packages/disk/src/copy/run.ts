import { setImmediate as immediately } from 'node:timers/promises';
import type { HyperError } from '@hypersdk/domain';
import type { Pending } from '../locator/disk-source.ts';
import { InOrder } from './in-order.ts';
import type { FromMover, LeafResult, TaskSpec, ToMover } from './messages.ts';
import type { PlannedLeaf } from './plan-leaves.ts';
import { fromWireError } from './wire-error.ts';
import { WorkRing } from './work-ring.ts';

/** The way to a mover. */
export interface MoverPort {
  postMessage(message: ToMover): void;
}

export interface LeafHandlers {
  /** Called before the first leaf, with the means to have movers wait. */
  started?(run: Pick<Run, 'limit'>): void;
  /** Gives stored units their offsets. Called in leaf order; undefined sizes: the leaf takes no room. */
  place?(leaf: number, sizes: Uint32Array | undefined): Float64Array;
  /** What became of each leaf, in order. */
  done(result: LeafResult): void;
}

/** One task while the movers are at it. */
export class Run {
  readonly #task: number;
  readonly #movers = new Set<MoverPort>();
  readonly #declined = new Set<MoverPort>();
  readonly #hire: (leaves: number) => readonly MoverPort[];
  readonly #leaves: Iterator<PlannedLeaf>;
  readonly #on: LeafHandlers;
  readonly #ring = new WorkRing();
  readonly #settled = Promise.withResolvers<void>();
  readonly #placing: InOrder<() => void>;
  readonly #results: InOrder<LeafResult>;
  #next: number | undefined;
  #exhausted = false;
  #isSearching = false;
  #ending = false;
  #failure: { readonly reason: unknown } | undefined;

  /** `hire` brings the movers for so many leaves, or for more. */
  constructor(
    task: number,
    o: { readonly hire: (leaves: number) => readonly MoverPort[]; readonly leaves: Iterator<PlannedLeaf>; readonly on: LeafHandlers },
  ) {
    this.#task = task;
    this.#hire = o.hire;
    this.#leaves = o.leaves;
    this.#on = o.on;
    this.#placing = new InOrder((place) => place());
    this.#results = new InOrder((result) => o.on.done(result));
  }

  async start(spec: TaskSpec): Promise<void> {
    this.#on.started?.(this);
    this.#guard(() => this.#feed());
    for (const mover of this.#hire(this.#moversWorth())) this.#movers.add(mover);
    if (this.#movers.size === 0) this.#settled.resolve();
    this.#tell({ type: 'start', task: this.#task, spec, ring: this.#ring.buffer });
    this.#endWhenDone();
    await this.#settled.promise;
    if (this.#failure) throw this.#failure.reason;
  }

  /** More movers than leaves would only start in vain. */
  #moversWorth(): number {
    if (this.#failure) return 0;
    return this.#exhausted ? this.#ring.published : Number.POSITIVE_INFINITY;
  }

  take(message: FromMover, mover: MoverPort): void {
    switch (message.type) {
      case 'place':
        return this.#guard(() => this.#place(message, mover));
      case 'done':
        return this.#guard(() => this.#finishLeaf(message));
      case 'failed':
        return this.fail(fromWireError(message.error));
      case 'declined':
        return this.#decline(mover, fromWireError(message.error));
      case 'ended':
        return this.#let(mover);
    }
  }

  /** Only the first `count` leaves may be begun for now. */
  limit(count: number): void {
    this.#ring.limit(count);
  }

  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#ring.stop();
    this.#end();
  }

  /** As long as one mover has the source open, the others are spared. */
  #decline(mover: MoverPort, error: HyperError): void {
    this.#declined.add(mover);
    if (this.#declined.size === this.#movers.size) this.fail(error);
  }

  /** A mover that is gone will not say that it ended. */
  lose(mover: MoverPort, error: HyperError): void {
    this.fail(error);
    this.#let(mover);
  }

  #let(mover: MoverPort): void {
    this.#movers.delete(mover);
    if (this.#movers.size === 0) this.#settled.resolve();
  }

  #guard(step: () => void): void {
    try {
      if (!this.#failure) step();
    } catch (error) {
      this.fail(error);
    }
  }

  #place(message: FromMover & { type: 'place' }, mover: MoverPort): void {
    this.#placing.add(message.sequence, () => {
      const offsets = this.#on.place?.(message.leaf, message.sizes) ?? new Float64Array(0);
      mover.postMessage({ type: 'placed', task: this.#task, sequence: message.sequence, offsets } satisfies ToMover);
    });
  }

  #finishLeaf(message: FromMover & { type: 'done' }): void {
    this.#results.add(message.sequence, message.result);
    this.#feed();
    this.#endWhenDone();
  }

  /** Keeps the ring full. A long search for the next leaf lets messages through in between. */
  #feed(): void {
    while (!this.#exhausted && !this.#isSearching) {
      const next = this.#next ?? this.#nextLeaf();
      if (next === 'searching') return this.#feedLater(immediately());
      if (typeof next === 'object') return this.#feedLater(next);
      this.#next = next;
      if (next === undefined || !this.#ring.publish(next)) return;
      this.#next = undefined;
    }
  }

  #feedLater(pending: Pending): void {
    this.#isSearching = true;
    void pending.then(() => {
      this.#isSearching = false;
      this.#guard(() => this.#feed());
      this.#endWhenDone();
    });
  }

  #nextLeaf(): PlannedLeaf | undefined {
    const next = this.#leaves.next();
    if (!next.done) return next.value;
    this.#exhausted = true;
    this.#ring.close();
    return undefined;
  }

  #endWhenDone(): void {
    if (this.#exhausted && this.#results.count === this.#ring.published) this.#end();
  }

  #end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#tell({ type: 'end', task: this.#task });
  }

  #tell(message: ToMover): void {
    for (const mover of this.#movers) mover.postMessage(message);
  }
}

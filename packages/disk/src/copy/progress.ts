import { LEAF_SIZE } from '@hypersdk/domain';
import type { CopyProgress, CopyStage } from '@hypersdk/ports';

/** Ten times a second is as fast as people and terminals can follow. */
const REPORT_INTERVAL_MS = 100;

/** The state of one job as others see it. Reports are thinned out; a change of stage is always told. */
export class Progress {
  readonly #send: (progress: CopyProgress) => void;
  #state: CopyProgress;
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(virtualSize: number, send: (progress: CopyProgress) => void) {
    this.#send = send;
    this.#state = { stage: 'planning', virtualSize, settled: 0, dataRead: 0, resumedAt: 0 };
  }

  enter(stage: CopyStage, change: Partial<Pick<CopyProgress, 'settled' | 'dataExpected' | 'resumedAt'>> = {}): void {
    this.#state = { ...this.#state, ...change, stage };
    this.#report(Number.POSITIVE_INFINITY);
  }

  /** Leaf `leaf`, and everything before it, is done. */
  advance(leaf: number, dataRead: number): void {
    const settled = Math.min(this.#state.virtualSize, (leaf + 1) * LEAF_SIZE);
    this.#state = { ...this.#state, settled, dataRead: this.#state.dataRead + dataRead };
    this.#report(performance.now());
  }

  get dataRead(): number {
    return this.#state.dataRead;
  }

  #report(now: number): void {
    if (now - this.#sentAt < REPORT_INTERVAL_MS) return;
    this.#sentAt = performance.now();
    this.#send(this.#state);
  }
}

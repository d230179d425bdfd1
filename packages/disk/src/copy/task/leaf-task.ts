import type { LeafResult } from '../messages.ts';
import type { Slot } from '../slots.ts';
import type { Work, WorkRing } from '../work-ring.ts';

/** What a task may ask of its mover. */
export interface MoverDoor {
  readonly ring: WorkRing;
  /** Aborted when the work is called off. */
  readonly signal: AbortSignal;
  /** Asks the coordinator where the stored units of this leaf go; undefined sizes say that the leaf is all zeros and takes no room. */
  place(work: Work, sizes: Uint32Array<ArrayBuffer> | undefined): Promise<Float64Array>;
}

/** One kind of work on single leaves, opened once in each mover. */
export interface LeafTask extends Disposable {
  run(work: Work, slot: Slot): Promise<LeafResult>;
}

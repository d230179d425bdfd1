import { endOf, KIB, LEAF_SIZE, leafRange, type ByteRange } from '@hypersdk/domain';
import { leafDigest } from '../../digest/tree.ts';
import type { DiskSource } from '../../locator/disk-source.ts';
import { shareNbdTarget, type NbdTarget } from '../../remote/nbd-target.ts';
import { isZero } from '../../stream/is-zero.ts';
import type { FillTaskSpec, LeafResult } from '../messages.ts';
import { openUnchanged } from '../open-unchanged.ts';
import type { Slot } from '../slots.ts';
import type { Work } from '../work-ring.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';
import { paceOf } from './pace.ts';
import { readLeaf, type LeafReading } from './read-leaf.ts';

/** Zeros of this length are not worth their bytes on the line; shorter ones are not worth a request. */
const ZERO_UNIT = 64 * KIB;

/** Reads a leaf, takes its digest, and writes what is not zeros into an export that reads as zeros. */
export class FillTask implements LeafTask {
  readonly #spec: FillTaskSpec;
  readonly #door: MoverDoor;
  readonly #reading: LeafReading;
  readonly #target: NbdTarget;
  readonly #opened: DisposableStack;

  private constructor(
    spec: FillTaskSpec,
    door: MoverDoor,
    o: { readonly source: DiskSource; readonly target: NbdTarget; readonly opened: DisposableStack },
  ) {
    const pace = paceOf(spec.throttle, door.ring);
    this.#spec = spec;
    this.#door = door;
    this.#reading = { source: o.source, ring: door.ring, ...(pace ? { pace } : {}) };
    this.#target = o.target;
    this.#opened = o.opened;
  }

  static async open(spec: FillTaskSpec, door: MoverDoor): Promise<FillTask> {
    using opened = new DisposableStack();
    const source = opened.use(await openUnchanged(spec.source, spec.sourceMark, door));
    const { target } = opened.use(await shareNbdTarget(spec.target, { signal: door.signal, endures: spec.digest }));
    return new FillTask(spec, door, { source, target, opened: opened.move() });
  }

  async run({ leaf }: Work, slot: Slot): Promise<LeafResult> {
    const range = leafRange(leaf, this.#reading.source.virtualSize);
    const dataRead = await readLeaf(this.#reading, leaf, slot.leaf);
    const content = slot.leaf.subarray(0, range.length);
    if (dataRead === 0 || isZero(content)) return { leaf, dataRead, stored: 0 };
    // A block of the server may reach past the end of the source.
    slot.leaf.fill(0, range.length, LEAF_SIZE);
    let stored = 0;
    for (const run of runsOf(content)) {
      const { offset, length } = this.#target.toBlocks({ offset: range.offset + run.offset, length: run.length });
      await this.#target.write(offset, slot.leaf.subarray(offset - range.offset, offset - range.offset + length), this.#door);
      stored += length;
    }
    return { leaf, ...(this.#spec.digest ? { digest: leafDigest(content) } : {}), dataRead, stored };
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }
}

/** Runs of units that are not all zeros. */
function* runsOf(content: Uint8Array): Generator<ByteRange> {
  let run: ByteRange | undefined;
  for (let offset = 0; offset < content.length; offset += ZERO_UNIT) {
    const unit = content.subarray(offset, offset + ZERO_UNIT);
    if (isZero(unit)) continue;
    if (run && endOf(run) === offset) run = { ...run, length: run.length + unit.length };
    else {
      if (run) yield run;
      run = { offset, length: unit.length };
    }
  }
  if (run) yield run;
}

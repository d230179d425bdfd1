import { setImmediate } from 'node:timers/promises';
import { HyperError, leafRange } from '@hypersdk/domain';
import { UnitSealer } from '../../age/unit-sealer.ts';
import { openTarget, type TargetFile } from '../../file/target-file.ts';
import { imageWriters } from '../../format/formats.ts';
import { ZERO_UNIT, type UnitEncoder } from '../../format/image-writer.ts';
import type { DiskSource } from '../../locator/disk-source.ts';
import type { CopyTaskSpec, LeafResult } from '../messages.ts';
import { openUnchanged } from '../open-unchanged.ts';
import type { Slot } from '../slots.ts';
import type { Work } from '../work-ring.ts';
import { ChangedUnits } from './changed-units.ts';
import { FilledUnits } from './filled-units.ts';
import type { LeafChoice } from './leaf-choice.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';
import { paceOf } from './pace.ts';

/** The best levels take seconds for a leaf: a stop, and whoever else works on this thread, waits no longer than this and one unit. */
const ENCODE_MS = 20;
/** Smaller units take less than half a second even there. */
const LONG_UNIT = 256 * 1024;

type Write = (offset: number, bytes: Uint8Array) => void;

/** Reads a leaf, takes its digest, leaves out what needs no room, encodes the rest, and writes it where the layout says: all in one pass over the bytes. */
export class CopyTask implements LeafTask {
  readonly #spec: CopyTaskSpec;
  readonly #door: MoverDoor;
  readonly #virtualSize: number;
  readonly #target: TargetFile;
  readonly #sealer: UnitSealer | undefined;
  readonly #encoder: UnitEncoder | undefined;
  /** Settles when the unit that is being encoded in steps is done. */
  #encoding: Promise<void> = Promise.resolve();
  readonly #choice: LeafChoice;

  private constructor(spec: CopyTaskSpec, door: MoverDoor, source: DiskSource) {
    this.#spec = spec;
    this.#door = door;
    this.#virtualSize = source.virtualSize;
    this.#target = openTarget(spec.target, 'join');
    this.#sealer = spec.sealing && new UnitSealer(this.#target, spec.sealing);
    this.#encoder = imageWriters[spec.format].encoder(spec.plan);
    const pace = paceOf(spec.throttle, door.ring);
    const reading = { source, ring: door.ring, ...(pace ? { pace } : {}) };
    const { unitSize } = spec.plan;
    this.#choice = spec.parent ? new ChangedUnits(reading, spec.parent, { unitSize }) : new FilledUnits(reading, { unitSize, digests: spec.digest });
  }

  static async open(spec: CopyTaskSpec, door: MoverDoor): Promise<CopyTask> {
    return new CopyTask(spec, door, await openUnchanged(spec.source, spec.sourceMark, door));
  }

  async run(work: Work, slot: Slot): Promise<LeafResult> {
    const { leaf } = work;
    const { dataRead, sizes, digest } = await this.#choice.choose(leaf, slot);
    if (!sizes) {
      if (this.#spec.plan.placement === 'assigned') await this.#door.place(work, undefined);
      return { leaf, dataRead, stored: 0 };
    }
    const { length } = leafRange(leaf, this.#virtualSize);
    const sealed = this.#sealer && { runs: [], parts: [] };
    const write = this.#writer(sealed);
    const stored =
      this.#spec.plan.placement === 'identity'
        ? this.#writeInPlace(work, { slot, sizes, length, write })
        : await this.#writeAssigned(work, { slot, sizes, write });
    return { leaf, dataRead, stored, ...(digest ? { digest } : {}), ...(sealed ? { sealed } : {}) };
  }

  /** Where stored bytes go: to the target as they are, or sealed. */
  #writer(sealed: Parameters<UnitSealer['write']>[2] | undefined): Write {
    const sealer = this.#sealer;
    return sealer && sealed ? (offset, bytes) => sealer.write(offset, bytes, sealed) : (offset, bytes) => this.#target.write(offset, bytes);
  }

  #writeInPlace({ leaf }: Work, part: { readonly slot: Slot; readonly sizes: Uint32Array; readonly length: number; readonly write: Write }): number {
    const { unitSize } = this.#spec.plan;
    const { offset } = leafRange(leaf, this.#virtualSize);
    let stored = 0;
    for (const run of unitRuns(part.sizes)) {
      const end = Math.min(run.end * unitSize, part.length);
      part.write(offset + run.start * unitSize, part.slot.leaf.subarray(run.start * unitSize, end));
      stored += end - run.start * unitSize;
    }
    return stored;
  }

  async #writeAssigned(
    work: Work,
    { slot, sizes, write }: { readonly slot: Slot; readonly sizes: Uint32Array<ArrayBuffer>; readonly write: Write },
  ): Promise<number> {
    const payload = this.#encoder ? await this.#encode(this.#encoder, work, { slot, sizes }) : slot.leaf;
    const packed = this.#encoder !== undefined;
    const offsets = await this.#door.place(work, sizes);
    const { unitSize } = this.#spec.plan;
    let stored = 0;
    let at = 0;
    for (let unit = 0; unit < sizes.length; unit += 1) {
      const size = sizes[unit] ?? 0;
      if (!isStored(size)) continue;
      const start = packed ? at : unit * unitSize;
      let end = start + size;
      const fileOffset = offsets[unit] ?? 0;
      // Units that lie side by side both in the payload and in the file go out in one write.
      while (unit + 1 < sizes.length && isStored(sizes[unit + 1] ?? 0) && offsets[unit + 1] === fileOffset + (end - start)) {
        unit += 1;
        end += sizes[unit] ?? 0;
      }
      write(fileOffset, payload.subarray(start, end));
      stored += end - start;
      at = end;
    }
    return stored;
  }

  /** Encodes the units one behind the other and replaces their sizes by the stored ones. */
  async #encode(encoder: UnitEncoder, { leaf }: Work, { slot, sizes }: { readonly slot: Slot; readonly sizes: Uint32Array }): Promise<Uint8Array> {
    const { unitSize } = this.#spec.plan;
    const into = slot.stored(sizes.length * encoder.storedSizeMax);
    const firstUnit = leafRange(leaf, this.#virtualSize).offset / unitSize;
    let at = 0;
    let since = performance.now();
    for (let unit = 0; unit < sizes.length; unit += 1) {
      if (!isStored(sizes[unit] ?? 0)) continue;
      if (performance.now() - since > ENCODE_MS) {
        await setImmediate();
        since = performance.now();
      }
      if (this.#door.ring.stopped) throw new HyperError('transfer/cancelled', 'The copy was stopped.');
      const bytes = slot.leaf.subarray(unit * unitSize, (unit + 1) * unitSize);
      const stored =
        encoder.encodeInSteps && unitSize >= LONG_UNIT
          ? await this.#inTurn(encoder.encodeInSteps(bytes, firstUnit + unit, into, at))
          : encoder.encode(bytes, firstUnit + unit, into, at);
      sizes[unit] = stored;
      at += stored;
    }
    return into;
  }

  /** Walks the steps of one unit; the other lane's unit waits, since they share an encoder. */
  async #inTurn(steps: Generator<undefined, number>): Promise<number> {
    const before = this.#encoding;
    const done = Promise.withResolvers<void>();
    this.#encoding = done.promise;
    await before;
    try {
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done) return step.value;
        await setImmediate();
        if (this.#door.ring.stopped) throw new HyperError('transfer/cancelled', 'The copy was stopped.');
      }
    } finally {
      steps.return(0);
      done.resolve();
    }
  }

  [Symbol.dispose](): void {
    this.#encoder?.[Symbol.dispose]();
    this.#target[Symbol.dispose]();
    this.#choice[Symbol.dispose]();
  }
}

const isStored = (size: number): boolean => size > 0 && size !== ZERO_UNIT;

/** Runs of units that are stored, as [start, end). */
function* unitRuns(sizes: Uint32Array): Generator<{ readonly start: number; readonly end: number }> {
  let start = -1;
  for (let unit = 0; unit <= sizes.length; unit += 1) {
    const isIn = isStored(sizes[unit] ?? 0);
    if (isIn && start < 0) start = unit;
    if (!isIn && start >= 0) {
      yield { start, end: unit };
      start = -1;
    }
  }
}

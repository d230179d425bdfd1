import { endOf, HyperError, leafRange, type ByteRange } from '@hypersdk/domain';
import { openTarget, type TargetFile } from '../../file/target-file.ts';
import type { DiskSource } from '../../locator/disk-source.ts';
import { isZero } from '../../stream/is-zero.ts';
import { retryReads } from '../../stream/retry-reads.ts';
import type { CopyTaskSpec, LeafResult } from '../messages.ts';
import { openUnchanged } from '../open-unchanged.ts';
import type { Work } from '../work-ring.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';
import { PassingDigest } from './passing-digest.ts';

type Passing = DiskSource & Required<Pick<DiskSource, 'pass'>>;

/**
 * Copies leaves that come over a line to where they lie in the target as they are: each piece is looked at, hashed and written when it arrives, while it is in
 * the processor's own cache, and no leaf is ever held as a whole: a third less CPU (bench/cases/remote.ts).
 */
export class PassingCopyTask implements LeafTask {
  readonly #spec: CopyTaskSpec;
  readonly #door: MoverDoor;
  readonly #source: Passing;
  readonly #target: TargetFile;

  private constructor(spec: CopyTaskSpec, door: MoverDoor, source: Passing) {
    this.#spec = spec;
    this.#door = door;
    this.#source = source;
    this.#target = openTarget(spec.target, 'join');
  }

  /**
   * Whether a copy can be made so: the disk comes as it is, and goes as it is where it lies, in plain. A rate limit waits before it reads, not while it does, and what
   * lies on a parent is compared first.
   */
  static suits(spec: CopyTaskSpec): boolean {
    const { source, plan, throttle, parent } = spec;
    const comesAsItIs = source.kind === 'nbd' || (source.kind === 'http' && source.format === 'raw');
    return comesAsItIs && plan.placement === 'identity' && !throttle && !parent && !('sealing' in spec);
  }

  static async open(spec: CopyTaskSpec, door: MoverDoor): Promise<PassingCopyTask> {
    const source = await openUnchanged(spec.source, spec.sourceMark, door);
    if (canPass(source)) return new PassingCopyTask(spec, door, source);
    source[Symbol.dispose]();
    throw new HyperError('internal/unexpected', 'A disk was to be handed out piece by piece and is not.');
  }

  async run({ leaf }: Work): Promise<LeafResult> {
    const range = leafRange(leaf, this.#source.virtualSize);
    const digest = this.#spec.digest ? new PassingDigest(range.offset) : undefined;
    const runs = await this.#dataOf(range);
    let doneTo = range.offset;
    let stored = 0;
    const take = (offset: number, bytes: Uint8Array): void => {
      if (this.#door.ring.stopped) throw new HyperError('transfer/cancelled', 'The copy was stopped.');
      const written = this.#write(offset, bytes);
      if (written > 0) digest?.add(offset, bytes);
      stored += written;
      doneTo = offset + bytes.length;
    };
    await retryReads(() => this.#source.pass(behind(doneTo, runs), take));
    const leafDigest = digest?.finish(endOf(range));
    return { leaf, dataRead: sum(runs), stored, ...(leafDigest ? { digest: leafDigest } : {}) };
  }

  async #dataOf(range: ByteRange): Promise<readonly ByteRange[]> {
    const runs: ByteRange[] = [];
    for (const extent of this.#source.extents(range)) {
      if (extent instanceof Promise) await extent;
      else if (extent.kind === 'data') runs.push({ offset: extent.offset, length: extent.length });
    }
    return runs;
  }

  /** Writes the units of the piece that are not all zeros, and answers how many bytes those are. */
  #write(offset: number, bytes: Uint8Array): number {
    const { unitSize } = this.#spec.plan;
    let written = 0;
    let start = 0;
    const writeTo = (end: number): void => {
      if (end > start) this.#target.write(offset + start, bytes.subarray(start, end));
      written += end - start;
    };
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + unitSize - ((offset + at) % unitSize));
      if (isZero(bytes.subarray(at, end))) {
        writeTo(at);
        start = end;
      }
      at = end;
    }
    writeTo(bytes.length);
    return written;
  }

  [Symbol.dispose](): void {
    this.#target[Symbol.dispose]();
    this.#source[Symbol.dispose]();
  }
}

const canPass = (source: DiskSource): source is Passing => source.pass !== undefined;

const sum = (runs: readonly ByteRange[]): number => runs.reduce((total, { length }) => total + length, 0);

/** What of the runs lies behind a place. */
function behind(offset: number, runs: readonly ByteRange[]): readonly ByteRange[] {
  return runs.flatMap((run) => {
    const start = Math.max(run.offset, offset);
    return start < endOf(run) ? [{ offset: start, length: endOf(run) - start }] : [];
  });
}

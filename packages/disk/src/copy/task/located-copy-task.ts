import { HyperError, KIB, leafRange, type ByteRange, systemCode } from '@hypersdk/domain';
import { toTargetError } from '../../file/io-error.ts';
import { openTarget, type TargetFile } from '../../file/target-file.ts';
import type { FileRun } from '../../format/disk-image.ts';
import type { DiskSource } from '../../locator/disk-source.ts';
import type { NativeFs } from '../../native/native.ts';
import { isZero } from '../../stream/is-zero.ts';
import { retryReads } from '../../stream/retry-reads.ts';
import type { CopyTaskSpec, LeafResult } from '../messages.ts';
import { openUnchanged } from '../open-unchanged.ts';
import type { Slot } from '../slots.ts';
import type { Work } from '../work-ring.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';

/** Bytes to be brought from one file offset to another. */
interface Move {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** A run of the disk and where its bytes lie in the source's file. */
interface LocatedRun {
  readonly range: ByteRange;
  readonly source: FileRun;
}

/** Bytes on the way from source to target stay in the processor's own cache: a quarter less CPU than a leaf at a time (bench/RESULTS.md, A1). */
const PIECE_SIZE = 256 * KIB;

/** The file system cannot copy between these two files (copy_file_range(2)). */
const CANNOT = new Set(['EXDEV', 'EINVAL', 'EOPNOTSUPP', 'ENOSYS']);

/** Enough of a unit's edges to tell, almost always, that it is not all zeros. */
const SAMPLE_SIZE = 8;

/** Looks into a run of shared blocks: zeros among them cost no room, so only runs that may be all zeros are searched unit by unit. */
const LOOKS_PER_RUN = 4;

interface LocatedCopyParts {
  readonly source: DiskSource;
  readonly copyRange: NativeFs['copyRange'];
  readonly fallback: LeafTask;
}

/**
 * Copies leaves whose bytes lie plainly in the source's file, for copies without digest and encoding: the edges of each unit tell whether it holds anything,
 * then the bytes go straight to their place, in small pieces or inside the kernel, which shares blocks where the file system can.
 * A leaf that does not lie plainly goes through `fallback`.
 */
export class LocatedCopyTask implements LeafTask {
  readonly #spec: CopyTaskSpec;
  readonly #door: MoverDoor;
  readonly #source: DiskSource;
  readonly #target: TargetFile;
  readonly #copyRange: NativeFs['copyRange'];
  readonly #fallback: LeafTask;
  readonly #sample = Buffer.alloc(SAMPLE_SIZE);
  #kernelRefused = false;

  private constructor(spec: CopyTaskSpec, door: MoverDoor, o: LocatedCopyParts) {
    this.#spec = spec;
    this.#door = door;
    this.#copyRange = o.copyRange;
    this.#fallback = o.fallback;
    this.#source = o.source;
    this.#target = openTarget(spec.target, 'join');
  }

  static async open(spec: CopyTaskSpec, door: MoverDoor, o: Omit<LocatedCopyParts, 'source'>): Promise<LocatedCopyTask> {
    return new LocatedCopyTask(spec, door, { ...o, source: await openUnchanged(spec.source, spec.sourceMark, door) });
  }

  async run(work: Work, slot: Slot): Promise<LeafResult> {
    const runs = this.#locate(work.leaf);
    if (!runs) return await this.#fallback.run(work, slot);
    const { unitSize, placement } = this.#spec.plan;
    const leaf = leafRange(work.leaf, this.#source.virtualSize);
    const sizes = await retryReads(() => this.#unitSizes(leaf, { runs, slot }));
    const dataRead = runs.reduce((sum, run) => sum + run.range.length, 0);
    const offsets = placement === 'identity' ? undefined : await this.#door.place(work, sizes.some((size) => size > 0) ? sizes : undefined);
    const fileOffsetOf = (unit: number): number => offsets?.[unit] ?? leaf.offset + unit * unitSize;
    let stored = 0;
    for (const run of runs) stored += await this.#copyRun(leaf, { run, sizes, fileOffsetOf, piece: slot.leaf.subarray(0, PIECE_SIZE) });
    return { leaf: work.leaf, dataRead, stored };
  }

  /** All data of a leaf as runs in files; undefined when some of it is nowhere in plain. */
  #locate(leaf: number): readonly LocatedRun[] | undefined {
    const runs: LocatedRun[] = [];
    for (const extent of this.#source.extents(leafRange(leaf, this.#source.virtualSize))) {
      // What is not there yet is not in a file.
      if (extent instanceof Promise) return undefined;
      if (extent.kind !== 'data') continue;
      let at = extent.offset;
      const end = extent.offset + extent.length;
      while (at < end) {
        const source = this.#source.locate?.({ offset: at, length: end - at });
        if (!source || source.length <= 0) return undefined;
        runs.push({ range: { offset: at, length: source.length }, source });
        at += source.length;
      }
    }
    return runs;
  }

  /** The unit size for each unit that holds something, 0 for the others. */
  #unitSizes(leaf: ByteRange, o: { readonly runs: readonly LocatedRun[]; readonly slot: Slot }): Uint32Array<ArrayBuffer> {
    const { unitSize } = this.#spec.plan;
    const sizes = new Uint32Array(Math.ceil(leaf.length / unitSize));
    for (const { range, source } of o.runs) {
      if (this.#spec.method === 'share' && this.#seemsFull(source)) {
        sizes.fill(unitSize, Math.floor((range.offset - leaf.offset) / unitSize), Math.ceil((range.offset + range.length - leaf.offset) / unitSize));
        continue;
      }
      for (const piece of unitPieces(leaf, range, unitSize)) {
        if (sizes[piece.unit] === unitSize) continue;
        const at = source.fileOffset + (piece.offset - range.offset);
        if (!this.#isZero({ fd: source.fd, offset: at, length: piece.length }, o.slot)) sizes[piece.unit] = unitSize;
      }
    }
    return sizes;
  }

  #seemsFull({ fd, fileOffset, length }: FileRun): boolean {
    const sample = this.#sample.subarray(0, Math.min(SAMPLE_SIZE, length));
    const step = Math.floor((length - sample.length) / (LOOKS_PER_RUN - 1));
    const file = this.#source.files.find((candidate) => candidate.fd === fd);
    for (let look = 0; look < LOOKS_PER_RUN; look += 1) {
      file?.read(fileOffset + look * step, sample);
      if (isZero(sample)) return false;
    }
    return true;
  }

  #isZero(part: ByteRange & { readonly fd: number }, slot: Slot): boolean {
    const file = this.#source.files.find((candidate) => candidate.fd === part.fd);
    if (!file) return false;
    const sample = this.#sample.subarray(0, Math.min(SAMPLE_SIZE, part.length));
    file.read(part.offset, sample);
    if (!isZero(sample)) return false;
    file.read(part.offset + part.length - sample.length, sample);
    if (!isZero(sample)) return false;
    const whole = slot.leaf.subarray(0, part.length);
    file.read(part.offset, whole);
    return isZero(whole);
  }

  async #copyRun(
    leaf: ByteRange,
    o: { readonly run: LocatedRun; readonly sizes: Uint32Array; readonly fileOffsetOf: (unit: number) => number; readonly piece: Uint8Array },
  ): Promise<number> {
    const { unitSize } = this.#spec.plan;
    const { range, source } = o.run;
    let stored = 0;
    let pending: Move | undefined;
    for (const piece of unitPieces(leaf, range, unitSize)) {
      if ((o.sizes[piece.unit] ?? 0) === 0) continue;
      const from = source.fileOffset + (piece.offset - range.offset);
      const to = o.fileOffsetOf(piece.unit) + (piece.offset - leaf.offset - piece.unit * unitSize);
      const isNext = pending && pending.from + pending.length === from && pending.to + pending.length === to;
      if (pending && !isNext) await this.#move(source.fd, pending, o.piece);
      pending = pending && isNext ? { ...pending, length: pending.length + piece.length } : { from, to, length: piece.length };
      stored += piece.length;
    }
    if (pending) await this.#move(source.fd, pending, o.piece);
    return stored;
  }

  async #move(fd: number, move: Move, buffer: Uint8Array): Promise<void> {
    const done = this.#moveInKernel(fd, move);
    const file = this.#source.files.find((candidate) => candidate.fd === fd);
    for (let at = done; at < move.length; at += buffer.length) {
      if (this.#door.ring.stopped) throw new HyperError('transfer/cancelled', 'The copy was stopped.');
      const piece = buffer.subarray(0, Math.min(buffer.length, move.length - at));
      await retryReads(() => file?.read(move.from + at, piece));
      this.#target.write(move.to + at, piece);
    }
  }

  /** Answers the bytes moved; what the kernel leaves over is copied by hand, which also says in the right words why a source ends early. */
  #moveInKernel(fd: number, { from, to, length }: Move): number {
    let done = 0;
    while (this.#copyRange && !this.#kernelRefused && done < length) {
      try {
        const into = this.#target.locate(to + done);
        const copied = this.#copyRange({ fd, offset: from + done }, { fd: into.fd, offset: into.fileOffset }, Math.min(length - done, into.length));
        if (copied === 0) return done;
        done += copied;
      } catch (cause) {
        if (!CANNOT.has(systemCode(cause) ?? '')) throw toTargetError(cause, this.#target.path, `copying to byte ${to + done}`);
        this.#kernelRefused = true;
      }
    }
    return done;
  }

  [Symbol.dispose](): void {
    this.#target[Symbol.dispose]();
    this.#source[Symbol.dispose]();
    this.#fallback[Symbol.dispose]();
  }
}

/** Cuts a run of the disk at the borders of the leaf's units. */
function* unitPieces(leaf: ByteRange, range: ByteRange, unitSize: number): Generator<ByteRange & { readonly unit: number }> {
  let at = range.offset;
  const end = range.offset + range.length;
  while (at < end) {
    const unit = Math.floor((at - leaf.offset) / unitSize);
    const next = Math.min(end, leaf.offset + (unit + 1) * unitSize);
    yield { unit, offset: at, length: next - at };
    at = next;
  }
}

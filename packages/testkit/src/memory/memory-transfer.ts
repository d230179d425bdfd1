import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, leafCount, leafRange, type ContentDigest } from '@hypersdk/domain';
import type {
  BlockLocator,
  CompareOutcome,
  CopyOutcome,
  CopyProgress,
  CopyRequest,
  CopyStage,
  RateBudget,
  Transfer,
  VerifyOutcome,
  VerifyRequest,
  Watch,
} from '@hypersdk/ports';
import { contentDigest, leafDigests } from './content-digest.ts';
import { firstDifference } from './first-difference.ts';
import type { MemoryFiles, MemoryFileState } from './memory-files.ts';

interface Checkpoint {
  readonly key: string;
  readonly mark: string;
  readonly leaves: number;
  readonly bytes: Uint8Array;
}

/** Copies raw images between files in memory, leaf by leaf, as plainly as it can be done: the reference for `Transfer`. */
export class MemoryTransfer implements Transfer {
  readonly #files: MemoryFiles;
  readonly #checkpoints = new Map<string, Checkpoint>();
  /** Whoever draws on a budget waits behind those before him. */
  readonly #lines = new WeakMap<RateBudget, Promise<void>>();
  #closing = new AbortController();

  constructor(files: MemoryFiles) {
    this.#files = files;
  }

  async copy(request: CopyRequest, o: Watch<CopyProgress>): Promise<CopyOutcome> {
    o.signal.throwIfAborted();
    refuseSettings(request);
    if (!request.overwrite && this.#files.find(request.path)) throw new HyperError('target/exists', `${request.path} exists already.`);
    const source = this.#files.open(request.source);
    const { checkpoint, restartReason } = this.#resume(request, source);
    const resumedAt = settledAfter(checkpoint.leaves, source.bytes.length);
    const tell = (stage: CopyStage, settled: number, dataRead: number): void =>
      o.onProgress?.({ stage, virtualSize: source.bytes.length, settled, dataRead, resumedAt });

    const copied = await this.#copyLeaves(request, checkpoint, {
      ...o,
      signal: AbortSignal.any([o.signal, this.#closing.signal]),
      onLeaf: (settled) => tell('copying', settled, settled - resumedAt),
    });
    this.#checkpoints.delete(request.path);
    if (this.#files.open(request.source).version !== source.version)
      throw new HyperError('source/changed', 'The source was written while it was read.');
    this.#files.write(request.path, copied);
    tell('publishing', source.bytes.length, source.bytes.length - resumedAt);
    return {
      ...this.#prove(request, source.bytes),
      dataRead: source.bytes.length - resumedAt,
      resumedAt,
      ...(restartReason === undefined ? {} : { restartReason }),
    };
  }

  async verify(request: VerifyRequest, o: Watch<CopyProgress>): Promise<VerifyOutcome> {
    o.signal.throwIfAborted();
    const { leavesPath } = request;
    const isMissing = leavesPath !== undefined && this.#files.find(leavesPath) === undefined;
    return { ...this.#verify(request), ...(isMissing ? { leavesMissing: true } : {}) };
  }

  #verify(request: VerifyRequest): VerifyOutcome {
    const { bytes } = this.#files.open(request.source);
    const leavesChecked = leafCount(bytes.length);
    const container = request.container && this.#files.find(request.container.path);
    if (request.container && sha256(container?.bytes ?? new Uint8Array(0)) !== request.container.digest) {
      return { result: 'different', leavesChecked, what: 'The file is not the one that was written.' };
    }
    const same = contentDigest(bytes).root === request.expected.root && bytes.length === request.expected.virtualSize;
    if (same) return { result: 'equal', leavesChecked };
    return { result: 'different', leavesChecked, ...this.#firstWrongLeaf(request, bytes), what: 'The content of the disk differs.' };
  }

  async compare(a: BlockLocator, b: BlockLocator, o: Watch<CopyProgress>): Promise<CompareOutcome> {
    o.signal.throwIfAborted();
    const [left, right] = [this.#files.open(a).bytes, this.#files.open(b).bytes];
    const offset = firstDifference(left, right);
    if (offset !== undefined) return { result: 'different', offset, what: 'The bytes differ.' };
    if (left.length === right.length) return { result: 'equal', virtualSize: left.length };
    return { result: 'different', offset: Math.min(left.length, right.length), what: 'The disks differ in size.' };
  }

  async digest(source: BlockLocator, o: Watch<CopyProgress>): Promise<ContentDigest> {
    o.signal.throwIfAborted();
    return contentDigest(this.#files.open(source).bytes);
  }

  openBudget(bytesPerSecond: number): RateBudget {
    const budget = { shared: new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT) };
    this.setRate(budget, bytesPerSecond);
    return budget;
  }

  setRate({ shared }: RateBudget, bytesPerSecond: number): void {
    new Float64Array(shared)[0] = bytesPerSecond;
  }

  async #wait(limit: CopyRequest['rateLimit'], bytes: number): Promise<void> {
    if (limit === undefined) return;
    if (typeof limit === 'number') return void (await delay((bytes / limit) * 1000));
    const turn = (this.#lines.get(limit) ?? Promise.resolve()).then(() => delay((bytes / (new Float64Array(limit.shared)[0] ?? 1)) * 1000));
    this.#lines.set(limit, turn);
    await turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new HyperError('transfer/cancelled', 'The transfer was closed.'));
    this.#closing = new AbortController();
  }

  /** The checkpoint to go on from: the one that was kept, or an empty one and why the kept one is of no use. */
  #resume(request: CopyRequest, source: MemoryFileState): { readonly checkpoint: Checkpoint; readonly restartReason?: string } {
    const key = JSON.stringify([request.settings, source.bytes.length]);
    const fresh = { key, mark: request.sourceMark, leaves: 0, bytes: new Uint8Array(source.bytes.length) };
    const kept = this.#checkpoints.get(request.path);
    if (!kept || request.restart) return { checkpoint: fresh };
    if (kept.mark !== request.sourceMark) return { checkpoint: fresh, restartReason: 'The source has changed since.' };
    if (kept.key !== key) return { checkpoint: fresh, restartReason: 'The settings have changed since.' };
    return { checkpoint: kept };
  }

  async #copyLeaves(
    request: CopyRequest,
    from: Checkpoint,
    o: { readonly signal: AbortSignal; readonly onLeaf: (settled: number) => void },
  ): Promise<Uint8Array> {
    const { bytes: target } = from;
    for (let leaf = from.leaves; leaf < leafCount(target.length); leaf += 1) {
      const { offset, length } = leafRange(leaf, target.length);
      await this.#wait(request.rateLimit, length);
      o.signal.throwIfAborted();
      target.set(this.#files.open(request.source).bytes.subarray(offset, offset + length), offset);
      this.#checkpoints.set(request.path, { ...from, leaves: leaf + 1 });
      o.onLeaf(offset + length);
    }
    return target;
  }

  #prove(request: CopyRequest, content: Uint8Array): Omit<CopyOutcome, 'dataRead' | 'resumedAt'> {
    const plain = { path: request.path, virtualSize: content.length, fileSize: content.length, warnings: [] };
    if (request.digest === 'none') return { ...plain, leavesChecked: 0 };
    const leavesPath = `${request.path}.leaves`;
    this.#files.write(leavesPath, new TextEncoder().encode(leafDigests(content).join('\n')));
    return { ...plain, content: contentDigest(content), containerDigest: sha256(content), leavesPath, leavesChecked: leafCount(content.length) };
  }

  #firstWrongLeaf(
    { leavesPath }: VerifyRequest,
    content: Uint8Array,
  ): { readonly leaf: number; readonly offset: number; readonly length: number } | undefined {
    const file = leavesPath === undefined ? undefined : this.#files.find(leavesPath);
    if (!file) return undefined;
    const expected = new TextDecoder().decode(file.bytes).split('\n');
    const leaf = leafDigests(content).findIndex((digest, index) => digest !== expected[index]);
    return leaf < 0 ? undefined : { leaf, ...leafRange(leaf, content.length) };
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const settledAfter = (leaves: number, virtualSize: number): number =>
  leaves === 0 ? 0 : leafRange(leaves - 1, virtualSize).offset + leafRange(leaves - 1, virtualSize).length;

function refuseSettings({ settings }: CopyRequest): void {
  const unknown = Object.keys(settings).filter((name) => name !== 'format');
  if (settings.format !== 'raw' || unknown.length > 0)
    throw new HyperError('usage/invalid', `Raw images in memory know no ${unknown.join(', ') || settings.format}.`);
}

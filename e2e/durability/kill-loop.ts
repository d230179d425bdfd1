import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageSettings } from '@hypersdk/ports';
import { readSettled, type Settled } from './checkpoint-reader.ts';
import { dataInChunk, dataInChunks } from './noise-disk.ts';
import { orderCopy, sha256 } from './orders.ts';
import { bytesReadBy, isStopped } from './process-io.ts';
import { RunningCopy, type CopyEnd } from './running-copy.ts';

/** Kill instants lie between 0 and this many times the length of an undisturbed run. */
const INSTANT_FACTOR = 1.5;
/** A copy that is killed more often than this before it is done makes no progress. */
const KILLS_PER_COPY_MAX = 100;
const STOP_WAIT_MS = 5000;

export interface KillTally {
  readonly kills: number;
  /** Kills after which the next attempt had something to go on from. */
  readonly resumes: number;
  readonly copies: number;
  /** Kills that found the image published already. */
  readonly published: number;
  /** Most bytes of the source read in vain by a killed attempt. */
  readonly lostMax: number;
  /** Most bytes of the source read once more for the sake of comparison. */
  readonly comparedMax: number;
  /** What must not be: images under the final name that are not whole, files left over, errors. */
  readonly wrong: readonly string[];
}

export const NO_KILLS: KillTally = { kills: 0, resumes: 0, copies: 0, published: 0, lostMax: 0, comparedMax: 0, wrong: [] };

export const addTallies = (a: KillTally, b: KillTally): KillTally => ({
  kills: a.kills + b.kills,
  resumes: a.resumes + b.resumes,
  copies: a.copies + b.copies,
  published: a.published + b.published,
  lostMax: Math.max(a.lostMax, b.lostMax),
  comparedMax: Math.max(a.comparedMax, b.comparedMax),
  wrong: [...a.wrong, ...b.wrong],
});

export interface KillPlan {
  /** Of `chunks` chunks, made by `makeNoiseDisk`. */
  readonly source: string;
  readonly chunks: number;
  readonly settings: ImageSettings;
  /** A folder of its own that does not exist yet. */
  readonly folder: string;
  readonly cache: string;
}

/** The same copy, done once without disturbance. */
interface Reference {
  readonly digest: string;
  readonly durationMs: number;
  /** Bytes that a run reads besides the source: programs, tables, and what it wrote. */
  readonly overhead: number;
}

/** Copies that are killed at random instants until they are done, over and over. */
export class KillLoop {
  readonly #plan: KillPlan;
  readonly #path: string;
  readonly #reference: Reference;
  /** Of an undisturbed run as of late: a machine that was busy a moment ago may be idle now. */
  #durationMs: number;

  private constructor(plan: KillPlan, reference: Reference) {
    this.#plan = plan;
    this.#path = join(plan.folder, 'disk');
    this.#reference = reference;
    this.#durationMs = reference.durationMs;
  }

  static async open(plan: KillPlan): Promise<KillLoop> {
    await mkdir(plan.folder);
    return new KillLoop(plan, await measure(plan));
  }

  /** Kills this often, and lets the last copy come to its end. */
  async run(kills: number): Promise<KillTally> {
    let tally = NO_KILLS;
    while (tally.kills < kills) tally = addTallies(tally, await this.#killOneCopy(kills - tally.kills));
    return tally;
  }

  async #killOneCopy(killsMax: number): Promise<KillTally> {
    let tally = NO_KILLS;
    let before: Settled = { leaves: 0, lastWindow: [] };
    for (;;) {
      if (tally.kills > KILLS_PER_COPY_MAX) throw new Error(`${this.#path}: no end after ${tally.kills} kills.`);
      const startedAt = performance.now();
      await using copy = new RunningCopy(orderCopy(this.#plan.source, this.#path, this.#plan.settings), { cache: this.#plan.cache });
      const bytesRead = tally.kills < killsMax ? await this.#killAtRandom(copy) : undefined;
      const end = await copy.ended;
      if (end.kind === 'done' && end.outcome.resumedAt === 0) this.#durationMs = performance.now() - startedAt;
      if (end.kind !== 'killed' || bytesRead === undefined) return addTallies(tally, await this.#judgeEnd(end));
      const now = readSettled(this.#path);
      const isCopying = copy.progress?.stage === 'copying';
      const lost = isCopying ? this.#lost(bytesRead, before, now) : 0;
      tally = addTallies(tally, await this.#judgeKill(now, lost));
      before = now;
    }
  }

  /** Answers the bytes that the copy had read, or undefined when it was over before. It is stopped first, so that it can be asked. */
  async #killAtRandom(copy: RunningCopy): Promise<number | undefined> {
    const instant = randomInt(Math.ceil(this.#durationMs * INSTANT_FACTOR));
    const cancel = new AbortController();
    const isOver = await Promise.race([copy.ended.then(() => true), delay(instant, false, { signal: cancel.signal }).catch(() => true)]);
    cancel.abort();
    const { pid } = copy.child;
    if (isOver || pid === undefined) return undefined;
    copy.signal('SIGSTOP');
    const bytesRead = await readWhenStopped(pid);
    copy.signal('SIGKILL');
    return bytesRead;
  }

  /** What was read from the source but has to be read again: all that was read, less what a run reads anyway, what was only compared, and what is settled now. */
  #lost(bytesRead: number, before: Settled, now: Settled): number {
    const settled = dataInChunks(before.leaves, now.leaves);
    return Math.max(0, bytesRead - this.#reference.overhead - comparedBy(before) - settled);
  }

  async #judgeKill(now: Settled, lost: number): Promise<KillTally> {
    const isPublished = existsSync(this.#path);
    const isWrong = isPublished && (await sha256(this.#path)) !== this.#reference.digest;
    return {
      ...NO_KILLS,
      kills: 1,
      resumes: now.leaves > 0 ? 1 : 0,
      published: isPublished ? 1 : 0,
      lostMax: lost,
      comparedMax: comparedBy(now),
      wrong: isWrong ? [`${this.#path} had its name before it was whole`] : [],
    };
  }

  async #judgeEnd(end: CopyEnd): Promise<KillTally> {
    const wrong: string[] = [];
    if (end.kind !== 'done') wrong.push(`ended with ${JSON.stringify(end)}`);
    else if ((await sha256(this.#path)) !== this.#reference.digest) wrong.push(`${this.#path} differs from the undisturbed copy`);
    const left = (await readdir(this.#plan.folder)).toSorted();
    if (left.join() !== 'disk,disk.leaves') wrong.push(`left behind: ${left.join(', ')}`);
    for (const name of left) await rm(join(this.#plan.folder, name));
    return { ...NO_KILLS, copies: 1, wrong };
  }
}

/** A resume reads the last record once more. */
const comparedBy = (settled: Settled): number => settled.lastWindow.reduce((sum, leaf) => sum + dataInChunk(leaf), 0);

async function readWhenStopped(pid: number): Promise<number | undefined> {
  const deadline = performance.now() + STOP_WAIT_MS;
  try {
    while (!isStopped(pid) && performance.now() < deadline) await delay(1);
    return bytesReadBy(pid);
  } catch {
    // It ended at this very moment and is gone from /proc.
    return undefined;
  }
}

/** Twice: the first run fills the cache of compiled code, and is not measured. */
async function measure(plan: KillPlan): Promise<Reference> {
  let reference: Reference | undefined;
  for (const name of ['first', 'second']) {
    const folder = join(plan.folder, name);
    await mkdir(folder);
    const path = join(folder, 'disk');
    const startedAt = performance.now();
    await using copy = new RunningCopy(orderCopy(plan.source, path, plan.settings), { cache: plan.cache });
    const end = await copy.ended;
    if (end.kind !== 'done') throw new Error(`The undisturbed copy ended with ${JSON.stringify(end)}.`);
    const { fileSize } = end.outcome;
    const data = dataInChunks(0, plan.chunks);
    // Data is read from the source, and once more from the target; the whole file once for its digest.
    const overhead = Math.max(0, end.bytesRead - 2 * data - fileSize);
    reference = { digest: await sha256(path), durationMs: performance.now() - startedAt, overhead };
    await rm(folder, { recursive: true });
  }
  if (!reference) throw new Error('There was no undisturbed copy.');
  return reference;
}

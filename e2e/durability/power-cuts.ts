import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { readSettled } from './checkpoint-reader.ts';
import { Mount } from './mount.ts';
import { orderCopy, sha256 } from './orders.ts';
import { isStopped } from './process-io.ts';
import { RunningCopy, type CopyEnd, type Surroundings } from './running-copy.ts';

/** Room for one image of the source and some more. */
const MEDIUM_SIZE = 448 * MIB;
/** Longer than any run: nothing reaches the medium unless somebody asks for it. */
const MEDIUM_OPTIONS = 'commit=300,noatime';
const INSTANT_FACTOR = 1.3;
const OTHER_BOOT = '00000000-1111-4222-8333-444444444444';
const STOP_WAIT_MS = 20_000;

export interface CutResult {
  /** The copy had said that it was done. */
  readonly wasDone: boolean;
  /** The image had its name after the cut. */
  readonly wasPublished: boolean;
  readonly resumedAt: number;
  /** What must not be; empty when all is well. */
  readonly wrong: readonly string[];
}

interface Reference {
  readonly digest: string;
  readonly durationMs: number;
}

/**
 * Cuts the power of a file system while a copy is written to it: what a copy of its backing file holds at one instant is what reached the medium,
 * all that is only in memory is gone.
 */
export class PowerCuts {
  readonly #source: string;
  readonly #folder: string;
  readonly #references = new Map<string, Reference>();

  constructor(o: { readonly source: string; readonly folder: string }) {
    this.#source = o.source;
    this.#folder = o.folder;
  }

  async cut(settings: ImageSettings): Promise<CutResult> {
    const reference = await this.#reference(settings);
    const place = join(this.#folder, 'cut');
    const [before, after] = [join(place, 'before'), join(place, 'after')];
    for (const folder of [place, before, after]) await mkdir(folder);
    try {
      const wasDone = await this.#copyUntilCut(settings, { place, instant: randomInt(Math.ceil(reference.durationMs * INSTANT_FACTOR)) });
      using _medium = Mount.loop(after, join(place, 'after.img'), MEDIUM_OPTIONS);
      return await this.#judge(settings, { folder: after, wasDone, reference });
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  }

  /** Answers whether the copy had come to its end. Leaves the medium as the cut found it in `after.img`. */
  async #copyUntilCut(settings: ImageSettings, { place, instant }: { readonly place: string; readonly instant: number }): Promise<boolean> {
    const medium = join(place, 'before.img');
    await writeFile(medium, '');
    await truncate(medium, MEDIUM_SIZE);
    execFileSync('mkfs.ext4', ['-q', '-F', medium]);
    using _mount = Mount.loop(join(place, 'before'), medium, MEDIUM_OPTIONS);
    await using copy = this.#start(settings, join(place, 'before'));
    const isDone = await Promise.race([copy.ended.then(() => true), delay(instant, false)]);
    if (!isDone) {
      copy.signal('SIGSTOP');
      await stopped(copy);
    }
    execFileSync('cp', ['--sparse=always', medium, join(place, 'after.img')]);
    return isDone;
  }

  async #judge(
    settings: ImageSettings,
    o: { readonly folder: string; readonly wasDone: boolean; readonly reference: Reference },
  ): Promise<CutResult> {
    const path = join(o.folder, 'disk');
    const wasPublished = existsSync(path);
    const wrong: string[] = [];
    if (wasPublished && (await sha256(path)) !== o.reference.digest) wrong.push('the image had its name but was not whole');
    if (o.wasDone && !wasPublished) wrong.push('the copy was done, and its image is lost');
    const { leaves } = readSettled(path);
    // Every other time the next attempt is of another boot, as it would be in truth; in between it continues the file itself, which asks for more.
    const end = await this.#finish(settings, o.folder, randomInt(2) === 0 ? await this.#otherBoot() : {});
    if (end.kind !== 'done') wrong.push(`the next attempt ended with ${JSON.stringify(end)}`);
    else if ((await sha256(path)) !== o.reference.digest) wrong.push('the resumed image differs from the undisturbed one');
    const left = (await readdir(o.folder)).filter((name) => name !== 'lost+found').toSorted();
    if (left.join() !== 'disk,disk.leaves') wrong.push(`left behind: ${left.join(', ')}`);
    const resumedAt = end.kind === 'done' ? end.outcome.resumedAt : 0;
    if (!wasPublished && end.kind === 'done' && resumedAt < Math.min(leaves * 4 * MIB, end.outcome.virtualSize))
      wrong.push(`settled were ${leaves} leaves, gone on from byte ${resumedAt}`);
    return { wasDone: o.wasDone, wasPublished, resumedAt, wrong };
  }

  async #otherBoot(): Promise<Surroundings> {
    const file = join(this.#folder, 'boot-id');
    await writeFile(file, `${OTHER_BOOT}\n`);
    return { under: ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"', file] };
  }

  async #finish(settings: ImageSettings, folder: string, o: Surroundings = {}): Promise<CopyEnd> {
    await using copy = this.#start(settings, folder, o);
    return await copy.ended;
  }

  #start(settings: ImageSettings, folder: string, o: Surroundings = {}): RunningCopy {
    return new RunningCopy(orderCopy(this.#source, join(folder, 'disk'), settings), { cache: join(this.#folder, 'cache'), ...o });
  }

  async #reference(settings: ImageSettings): Promise<Reference> {
    const key = JSON.stringify(settings);
    const known = this.#references.get(key);
    if (known) return known;
    const folder = join(this.#folder, 'reference');
    await mkdir(folder);
    const startedAt = performance.now();
    const end = await this.#finish(settings, folder);
    if (end.kind !== 'done') throw new Error(`The undisturbed copy ended with ${JSON.stringify(end)}.`);
    const reference = { durationMs: performance.now() - startedAt, digest: await sha256(join(folder, 'disk')) };
    await rm(folder, { recursive: true });
    this.#references.set(key, reference);
    return reference;
  }
}

/** Until every thread stands still: one that is on its way through the kernel would go on writing while the medium is copied. */
async function stopped(copy: RunningCopy): Promise<void> {
  const { pid } = copy.child;
  if (pid === undefined) return;
  const deadline = performance.now() + STOP_WAIT_MS;
  while (performance.now() < deadline) {
    const threads = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`).map(Number) : [];
    if (threads.every((thread) => isStopped(thread))) return;
    await delay(2);
  }
  throw new Error('A copy that was stopped does not stand still.');
}

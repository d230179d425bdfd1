import { HyperError, leafCount, leafRange, type ContentDigest } from '@hypersdk/domain';
import type { CopyOutcome, CopyRequest } from '@hypersdk/ports';
import { imageWriters } from '../format/formats.ts';
import { Throttle } from '../stream/throttle.ts';
import { findEarlier, openAttempt, type Attempt, type Earlier } from './attempt.ts';
import { Checkpointer } from './checkpointer.ts';
import { chooseMethod } from './choose-method.ts';
import { hashLeaves } from './hash-leaves.ts';
import type { CopyJob, JobTools } from './job.ts';
import type { CopyTaskSpec } from './messages.ts';
import { markSuspect, removePartials } from './partial-files.ts';
import { openUnchanged, requireMark } from './open-unchanged.ts';
import { moversFor } from './movers-for.ts';
import { planLeaves } from './plan-leaves.ts';
import { Progress } from './progress.ts';
import { findPublished } from './find-published.ts';
import { proveAndPublish } from './prove-and-publish.ts';
import { TargetLock } from './target-lock.ts';
import { estimateData } from './estimate-data.ts';

/** Plan → copy → sync → verify → publish. Whatever fails, what is settled stays for the next call; what is wrong does not. */
export async function copyDisk(request: CopyRequest, tools: JobTools): Promise<CopyOutcome> {
  checkRequest(request);
  using source = await openUnchanged(request.source, request.sourceMark, tools);
  const plan = imageWriters[request.settings.format].plan(source.virtualSize, request.settings);
  const { format } = request.settings;
  const identity = { sourceMark: request.sourceMark, virtualSize: source.virtualSize, format, plan: JSON.stringify(plan), digest: request.digest };
  const progress = new Progress(source.virtualSize, tools.report);
  const job: CopyJob = { request, source, plan, identity, progress, tools };

  await using _lock = await TargetLock.take(request.path);
  const published = await findPublished(job);
  if (published) return published;
  const earlier = await confirmWindow(job, findEarlier(request, identity));
  using attempt = openAttempt(earlier, request, { plan, identity });
  try {
    const content = await copyUnchanged(job, attempt);
    return await proveAndPublish(job, attempt, content);
  } catch (error) {
    if (request.durability !== 'none') throw error;
    // What cannot be continued is litter.
    removePartials([attempt.files.image, attempt.files.checkpoint]);
    throw notKept(error);
  }
}

/** Whoever tells of the error must not promise that the copy goes on. */
const notKept = (error: unknown): unknown =>
  error instanceof HyperError ? new HyperError(error.code, error.message, { detail: { ...error.detail, kept: false }, cause: error.cause }) : error;

function checkRequest({ rateLimit, verifyPercent }: CopyRequest): void {
  if (typeof rateLimit === 'number' && !(rateLimit >= 1))
    throw new HyperError('usage/invalid', 'A rate limit is at least one byte a second.', { detail: { field: 'rateLimit' } });
  if (!(verifyPercent >= 1 && verifyPercent <= 100))
    throw new HyperError('usage/invalid', 'Between 1 and 100 percent of a copy are verified.', { detail: { field: 'verifyPercent' } });
}

/** Reads the last settled window once more: a source that changed behind its mark is found before its bytes are mixed with older ones. */
async function confirmWindow({ request, source, tools }: CopyJob, earlier: Earlier): Promise<Earlier> {
  if (!('state' in earlier)) return earlier;
  const window = new Map(earlier.state.lastWindow.map((entry) => [entry.leaf, entry.digest]));
  let changed: number | undefined;
  await hashLeaves({ ...tools, ...moversFor(source), source: request.source, virtualSize: source.virtualSize }, window.keys(), ({ leaf, digest }) => {
    const before = window.get(leaf);
    if (!digest || !before || Buffer.compare(digest, before) !== 0) changed ??= leaf;
  });
  if (changed === undefined) return earlier;
  const { offset } = leafRange(changed, source.virtualSize);
  return { found: earlier.found, reason: `the source has changed at byte ${offset} since the earlier attempt` };
}

/** A copy of a source that was written meanwhile holds two points in time: it must not live on. Each mover opens the source by itself, some of them late. */
async function copyUnchanged(job: CopyJob, attempt: Attempt): Promise<ContentDigest | undefined> {
  const { source, request, tools } = job;
  try {
    const content = await copyLeaves(job, attempt);
    using _again = await openUnchanged(request.source, request.sourceMark, tools);
    requireMark(source, request.sourceMark);
    return content;
  } catch (cause) {
    const error = isGone(cause) ? new HyperError('source/changed', `${cause.message} It was there when the copy began.`, { cause }) : cause;
    if (error instanceof HyperError && error.code === 'source/changed') removePartials([attempt.files.image, attempt.files.checkpoint]);
    throw error;
  }
}

async function copyLeaves(job: CopyJob, attempt: Attempt): Promise<ContentDigest | undefined> {
  const { request, source, progress, tools } = job;
  const checkpointer = new Checkpointer(attempt, {
    virtualSize: source.virtualSize,
    isDurable: request.durability === 'sync',
    movers: tools.crew.moverCount,
  });
  const resumedAt = Math.min(leafRange(attempt.leaves, source.virtualSize).offset, source.virtualSize);
  progress.enter('copying', { resumedAt, settled: resumedAt, ...(await estimateData(source, resumedAt)) });
  try {
    const spec = taskSpec(job, attempt);
    await tools.crew.run(spec, planLeaves(source, { from: attempt.leaves, virtualSize: source.virtualSize }), {
      signal: tools.signal,
      ...moversFor(source),
      // Two kernel copies into one file only wait for each other's inode lock.
      ...(spec.method === 'kernel' || spec.method === 'share' ? { movers: 1 } : {}),
      on: {
        started: (run) => checkpointer.started(run),
        place: (leaf, sizes) => place(attempt, leaf, sizes),
        done: (result) => {
          checkpointer.take(result);
          progress.advance(result.leaf, result.dataRead);
        },
      },
    });
    progress.enter('syncing', { settled: source.virtualSize });
    await checkpointer.finish(leafCount(source.virtualSize));
  } catch (error) {
    await checkpointer.keep();
    if (checkpointer.isSuspect) markSuspect(attempt.files);
    throw error;
  }
  attempt.layout.finish();
  return request.digest === 'tree' ? checkpointer.tree.finish() : undefined;
}

function place(attempt: Attempt, leaf: number, sizes: Uint32Array | undefined): Float64Array {
  const offsets = new Float64Array(sizes?.length ?? 0);
  if (sizes) attempt.layout.place(leaf, sizes, offsets);
  return offsets;
}

function taskSpec(job: CopyJob, attempt: Attempt): CopyTaskSpec {
  const { request, plan } = job;
  return {
    kind: 'copy',
    source: request.source,
    sourceMark: request.sourceMark,
    format: request.settings.format,
    plan,
    path: attempt.files.image,
    digest: request.digest === 'tree',
    method: chooseMethod(job),
    ...(request.rateLimit === undefined ? {} : { throttle: toThrottle(request.rateLimit) }),
  };
}

const toThrottle = (limit: NonNullable<CopyRequest['rateLimit']>): SharedArrayBuffer =>
  typeof limit === 'number' ? Throttle.create(limit) : limit.shared;

const isGone = (error: unknown): error is HyperError => error instanceof HyperError && error.code === 'source/not-found';

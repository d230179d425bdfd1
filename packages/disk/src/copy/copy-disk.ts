import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { HyperError, leafCount, leafRange, type ContentDigest } from '@hypersdk/domain';
import type { CopyOutcome, CopyRequest, ImageSettings, ParentImage } from '@hypersdk/ports';
import { imageWriters } from '../format/formats.ts';
import { existingVolumes, volumeNames } from '../file/volume-names.ts';
import type { FileSet, ImagePlan } from '../format/image-writer.ts';
import type { DiskSource } from '../locator/disk-source.ts';
import { Throttle } from '../stream/throttle.ts';
import { findEarlier, openAttempt, type Attempt, type Earlier } from './attempt.ts';
import { Checkpointer } from './checkpointer.ts';
import { chooseMethod } from './choose-method.ts';
import { hashLeaves } from './hash-leaves.ts';
import type { CopyJob, JobTools } from './job.ts';
import type { CopyTaskSpec } from './messages.ts';
import { markSuspect } from './partial-files.ts';
import { openUnchanged, requireMark } from './open-unchanged.ts';
import { moversFor } from './movers-for.ts';
import type { CopyIdentity } from './checkpoint-file.ts';
import { LeafList, treeOf } from './leaf-list.ts';
import { ParentLeaves } from './parent-leaves.ts';
import { mergeLeaves, planLeaves, type PlannedLeaf } from './plan-leaves.ts';
import { Progress } from './progress.ts';
import { findPublished } from './find-published.ts';
import { discard, proveAndPublish, wholeEntries } from './prove-and-publish.ts';
import { requireFreeNames, setPaths } from './publish-set.ts';
import { recallParts } from './recall-parts.ts';
import { describeEncryption } from './sealed-attempt.ts';
import { TargetLock } from './target-lock.ts';
import { estimateData } from './estimate-data.ts';

/** Plan → copy → sync → verify → publish. Whatever fails, what is settled stays for the next call; what is wrong does not. */
export async function copyDisk(request: CopyRequest, tools: JobTools): Promise<CopyOutcome> {
  checkRequest(request);
  using source = await openUnchanged(request.source, request.sourceMark, tools);
  if (request.parent) checkParent(request.parent, source.virtualSize);
  const plan = { ...imageWriters[request.settings.format].plan(source.virtualSize, settingsOf(request)), origin: request.sourceMark };
  const identity = identify(request, source, plan);
  const progress = new Progress(source.virtualSize, tools.report);
  const set = setOf(request, plan);
  const job: CopyJob = { request, source, plan, set, identity, progress, tools };
  if (set && !set.volumes && request.encryption)
    throw new HyperError('usage/invalid', 'An image of several files cannot be encrypted.', { detail: { field: 'encryption' } });

  await using _lock = await TargetLock.take(request.path);
  const published = await findPublished(job);
  if (published) return published;
  await recallParts(job);
  if (!request.overwrite) requireFreeNames([...setPaths(request.path, set?.names ?? []), ...existingVolumes(request.path)]);
  const earlier = await confirmWindow(job, findEarlier(request, identity));
  using attempt = await openAttempt(earlier, request, { plan, set, identity });
  try {
    await makeRoom(attempt, tools.signal);
    const content = await copyUnchanged(job, attempt);
    return await proveAndPublish(job, attempt, content);
  } catch (error) {
    if (request.durability !== 'none') throw error;
    // What cannot be continued is litter.
    discard(job, attempt);
    throw notKept(error);
  }
}

/** Reserves what was asked for, and hears in between whether the copy is still wanted. */
async function makeRoom({ patient }: Attempt, signal: AbortSignal): Promise<void> {
  for (const _ of patient.makeRoom()) {
    await setImmediate();
    signal.throwIfAborted();
  }
}

/** Whoever tells of the error must not promise that the copy goes on. */
const notKept = (error: unknown): unknown =>
  error instanceof HyperError ? new HyperError(error.code, error.message, { detail: { ...error.detail, kept: false }, cause: error.cause }) : error;

const settingsOf = ({ settings, parent }: CopyRequest): ImageSettings =>
  parent ? { ...settings, backing: { name: parent.name, format: parent.image.format } } : settings;

function identify(
  { sourceMark, settings, digest, parent, encryption, volumeSize }: CopyRequest,
  { virtualSize }: DiskSource,
  plan: ImagePlan,
): CopyIdentity {
  const identity = {
    sourceMark,
    virtualSize,
    format: settings.format,
    plan: JSON.stringify(plan),
    digest,
    ...(volumeSize === undefined ? {} : { volumeSize }),
    ...(encryption ? { encryption: describeEncryption(encryption) } : {}),
  };
  return parent ? { ...identity, parent: `${parent.content.root} ${parent.differs}` } : identity;
}

/** The files that make the image: what its format asks for, or the volumes that it is to be split into. */
function setOf({ path, settings, volumeSize, parent }: CopyRequest, plan: ImagePlan): FileSet | undefined {
  const set = imageWriters[settings.format].set?.(plan, basename(path));
  if (volumeSize === undefined) return set;
  if (set || parent)
    throw new HyperError('usage/invalid', 'Only an image that is one file by itself can be split.', { detail: { field: 'volumeSize' } });
  return { volumes: true, span: volumeSize, names: volumeNames(basename(path), { virtualSize: plan.virtualSize, volumeSize }) };
}

/** Found before the first byte is copied: nothing can be put on top of a parent that is not what its digests say. */
function checkParent(parent: ParentImage, virtualSize: number): void {
  if (parent.content.virtualSize !== virtualSize)
    throw new HyperError(
      'chain/parent-changed',
      `The disk has ${virtualSize} bytes now; ${parent.image.path} was made when it had ${parent.content.virtualSize}.`,
    );
  using leaves = ParentLeaves.open(parent);
  leaves.requireWhole();
}

function checkRequest({ rateLimit, verifyPercent, parent, settings, digest, encryption }: CopyRequest): void {
  if (encryption && parent)
    throw new HyperError('usage/invalid', 'An image that lies on another one cannot be encrypted; encrypt a full copy.', {
      detail: { field: 'encryption' },
    });
  if (settings.backing || (parent && (settings.format !== 'qcow2' || digest !== 'tree')))
    throw new HyperError('usage/invalid', 'Only a qcow2 image with digests can lie on another one.', { detail: { field: 'parent' } });
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
  const parent = request.parent ? { parent: request.parent } : {};
  const hashing = { ...tools, ...moversFor(source), ...parent, source: request.source, virtualSize: source.virtualSize };
  await hashLeaves(hashing, window.keys(), ({ leaf, digest }) => {
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
    if (error instanceof HyperError && error.code === 'source/changed') discard(job, attempt);
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
    using parent = request.parent && LeafList.open(request.parent.leavesPath);
    await tools.crew.run(spec, leavesToCopy(job, attempt.leaves, parent), {
      signal: tools.signal,
      ...moversFor(source),
      // Two kernel copies into one file only wait for each other's inode lock.
      ...(spec.method === 'kernel' || spec.method === 'share' ? { movers: 1 } : {}),
      on: {
        started: (run) => checkpointer.started(run),
        place: (leaf, sizes) => place({ attempt, checkpointer }, leaf, sizes),
        done: (result) => {
          if (result.sealed) attempt.sealed?.file.take(result.sealed);
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
  await attempt.sealed?.file.seal(tools);
  if (request.parent) return treeOf(source.virtualSize, wholeEntries(request, attempt, source.virtualSize));
  return request.digest === 'tree' ? checkpointer.tree.finish() : undefined;
}

/** Those that hold data; of an overlay those that may differ from its parent. */
function leavesToCopy({ request, source }: CopyJob, from: number, parent: LeafList | undefined): Iterable<PlannedLeaf> {
  const span = { from, virtualSize: source.virtualSize };
  switch (request.parent?.differs) {
    case undefined:
      return planLeaves(source, span);
    case 'marked':
      return planLeaves(source, { ...span, zerosCount: true });
    case 'everything':
      return mergeLeaves([planLeaves(source, span), listedFrom(parent, from)]);
    case 'nothing':
      return [];
  }
}

/** Where the parent holds something, the source may hold nothing any more. */
function* listedFrom(parent: LeafList | undefined, from: number): Generator<number> {
  for (const { leaf } of parent?.entries() ?? []) if (leaf >= from) yield leaf;
}

function place(o: { readonly attempt: Attempt; readonly checkpointer: Checkpointer }, leaf: number, sizes: Uint32Array | undefined): Float64Array {
  const offsets = new Float64Array(sizes?.length ?? 0);
  if (!sizes) return offsets;
  o.attempt.layout.place(leaf, sizes, offsets);
  o.checkpointer.placed(leaf, sizes, offsets);
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
    target: attempt.paths,
    digest: request.digest === 'tree',
    ...(attempt.sealed ? { sealing: attempt.sealed.sealing } : {}),
    ...(request.parent ? { parent: request.parent } : {}),
    method: chooseMethod(job),
    ...(request.rateLimit === undefined ? {} : { throttle: toThrottle(request.rateLimit) }),
  };
}

const toThrottle = (limit: NonNullable<CopyRequest['rateLimit']>): SharedArrayBuffer =>
  typeof limit === 'number' ? Throttle.create(limit) : limit.shared;

const isGone = (error: unknown): error is HyperError => error instanceof HyperError && error.code === 'source/not-found';

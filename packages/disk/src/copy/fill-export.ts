import { formatBytes, HyperError, LEAF_SIZE, leafCount, MIB, type ContentDigest, type Extent } from '@hypersdk/domain';
import type { FillOutcome, FillRequest, NbdLocator } from '@hypersdk/ports';
import { TreeBuilder } from '../digest/tree.ts';
import type { DiskSource } from '../locator/disk-source.ts';
import { shareNbdTarget, type NbdTarget } from '../remote/nbd-target.ts';
import { isZero } from '../stream/is-zero.ts';
import { Throttle } from '../stream/throttle.ts';
import { estimateData } from './estimate-data.ts';
import { hashDisk } from './hash-leaves.ts';
import type { JobTools } from './job.ts';
import { moversFor } from './movers-for.ts';
import { openUnchanged, requireMark } from './open-unchanged.ts';
import { planLeaves } from './plan-leaves.ts';
import { Progress } from './progress.ts';

/** What is read to see whether an export that is said to hold data holds only zeros. More than this, and the person has to know. */
const EMPTINESS_MAX = 64 * MIB;
/** Read at a time for that. */
const PIECE_SIZE = 4 * MIB;

/** Clears → writes → flushes → reads back: an export as the target of a copy. A stopped one begins anew: nothing here says what it held. */
export async function fillExport(request: FillRequest, tools: JobTools): Promise<FillOutcome> {
  using source = await openUnchanged(request.source, request.sourceMark, tools);
  const progress = new Progress(source.virtualSize, tools.report);
  using held = await shareNbdTarget(request.target, { signal: tools.signal, endures: request.digest === 'tree' });
  const { target } = held;
  requireRoom(target, source.virtualSize);
  await clear(target, request, tools);
  const content = await fill(request, { source, target, progress, tools });
  using _again = await openUnchanged(request.source, request.sourceMark, tools);
  requireMark(source, request.sourceMark);
  const leavesChecked = content ? await readBack(request.target, { content, progress, tools }) : 0;
  return {
    virtualSize: source.virtualSize,
    targetSize: target.size,
    ...(content ? { content } : {}),
    leavesChecked,
    dataRead: progress.dataRead,
  };
}

function requireRoom(target: NbdTarget, size: number): void {
  if (target.size >= size) return;
  throw new HyperError('target/full', `The export has ${formatBytes(target.size)} (${target.size} bytes), and the disk needs ${size} bytes.`, {
    detail: { targetSize: target.size, virtualSize: size },
  });
}

/** All of it reads as zeros afterwards. What others may have put there is kept unless it is to be overwritten. */
async function clear(target: NbdTarget, { overwrite }: FillRequest, tools: JobTools): Promise<void> {
  let left = EMPTINESS_MAX;
  const piece = new Uint8Array(PIECE_SIZE);
  for await (const extent of dataOf(target, tools)) {
    if (overwrite) {
      await target.zero(target.toBlocks(extent), tools);
      continue;
    }
    if (extent.length > left) throw notEmpty(target, extent);
    left -= extent.length;
    for (let at = 0; at < extent.length; at += PIECE_SIZE) {
      const part = piece.subarray(0, Math.min(PIECE_SIZE, extent.length - at));
      await target.read(extent.offset + at, part, tools);
      if (!isZero(part)) throw notEmpty(target, extent);
    }
  }
}

async function* dataOf(target: NbdTarget, { signal }: JobTools): AsyncGenerator<Extent> {
  for (const extent of target.extents()) {
    signal.throwIfAborted();
    if (extent instanceof Promise) await extent;
    else if (extent.kind === 'data') yield extent;
  }
}

const notEmpty = ({ tellsExtents }: NbdTarget, { offset }: Extent): HyperError =>
  new HyperError(
    'target/exists',
    tellsExtents
      ? `The export holds data already, at byte ${offset}.`
      : 'The export holds data already, or its server does not tell that it is empty.',
  );

interface Filling {
  readonly source: DiskSource;
  readonly target: NbdTarget;
  readonly progress: Progress;
  readonly tools: JobTools;
}

async function fill(request: FillRequest, { source, target, progress, tools }: Filling): Promise<ContentDigest | undefined> {
  const { rateLimit } = request;
  const tree = new TreeBuilder(source.virtualSize);
  progress.enter('copying', await estimateData(source, 0));
  const spec = {
    kind: 'fill',
    source: request.source,
    sourceMark: request.sourceMark,
    target: request.target,
    digest: request.digest === 'tree',
    ...(rateLimit === undefined ? {} : { throttle: typeof rateLimit === 'number' ? Throttle.create(rateLimit) : rateLimit.shared }),
  } as const;
  await tools.crew.run(spec, planLeaves(source, { from: 0, virtualSize: source.virtualSize }), {
    signal: tools.signal,
    // Only the connection of this thread is flushed; where the server sees several as one, that holds for all.
    ...(target.isSingle ? { movers: { hereAnd: 0 } } : moversFor(source)),
    on: {
      done: ({ leaf, digest, dataRead }) => {
        if (digest) tree.add(leaf, Buffer.from(digest));
        progress.advance(leaf, dataRead);
      },
    },
  });
  progress.enter('syncing', { settled: source.virtualSize });
  await target.flush(tools);
  return request.digest === 'tree' ? tree.finish() : undefined;
}

interface ReadingBack {
  readonly content: ContentDigest;
  readonly progress: Progress;
  readonly tools: JobTools;
}

/** From the server again, all of it: what a broken connection lost, and what a server only said, is found here. */
async function readBack(target: NbdLocator, { content, progress, tools }: ReadingBack): Promise<number> {
  progress.enter('verifying', { settled: 0 });
  let checked = 0;
  const { bitmap: _, ...rest } = target;
  const found = await hashDisk({
    ...tools,
    // A name of its own, so that no map or connection from before is used.
    source: { ...rest, pointInTime: `${target.pointInTime} read back` },
    virtualSize: content.virtualSize,
    onLeaf: ({ leaf }) => {
      checked += 1;
      progress.advance(leaf, 0);
    },
  });
  if (found.root === content.root) return checked;
  throw new HyperError('verify/mismatch', 'The export does not hold what was written to it: read back, its content has another digest.', {
    detail: { expected: content.root, found: found.root, leaves: leafCount(content.virtualSize), leafSize: LEAF_SIZE },
  });
}

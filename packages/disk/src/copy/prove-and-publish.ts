import { fstatSync } from 'node:fs';
import { HyperError, leafRange, type ContentDigest } from '@hypersdk/domain';
import type { CopyOutcome, CopyRequest, ImageLocator } from '@hypersdk/ports';
import { blameTarget } from '../file/io-error.ts';
import { nativeFs } from '../native/load.ts';
import type { Attempt } from './attempt.ts';
import { both } from './both.ts';
import { settledLeaves, type LeafEntry } from './checkpoint-file.ts';
import { hashContainer } from './hash-container.ts';
import { findWrongLeaf, type Hashing } from './hash-leaves.ts';
import { LeafList, leafListPath, writeLeafList } from './leaf-list.ts';
import { imageLocator, type CopyJob } from './job.ts';
import { mergeEntries } from './overlay-leaves.ts';
import { requireParent } from './parent-leaves.ts';
import { markSuspect, removePartials } from './partial-files.ts';
import { giveName, publishFile } from './publish.ts';

/** Reads the target back, and gives it its name only when its content is what was read from the source. */
export async function proveAndPublish(job: CopyJob, attempt: Attempt, content: ContentDigest | undefined): Promise<CopyOutcome> {
  const { request, progress } = job;
  const fileSize = fstatSync(attempt.target.fd).size;
  const base = {
    path: request.path,
    virtualSize: job.source.virtualSize,
    fileSize,
    dataRead: progress.dataRead,
    resumedAt: resumedBytes(job, attempt),
    warnings: [],
  };
  const reason = attempt.restartReason === undefined ? {} : { restartReason: attempt.restartReason };
  if (request.durability === 'none') {
    progress.enter('publishing');
    giveName(attempt.files.image, request.path, request);
    if (attempt.checkpoint) removePartials([attempt.files.checkpoint]);
    return { ...base, ...reason, leavesChecked: 0, ...(content ? { content } : {}) };
  }
  const proof = content ? await prove(job, attempt, content) : undefined;
  progress.enter('publishing');
  if (proof && content)
    writeLeafList(
      leafListPath(request.path),
      { version: 1, content, ...proof, fileSize, identity: job.identity },
      wholeEntries(request, attempt, content.virtualSize),
    );
  if (request.parent) requireParent(request.parent);
  publishFile({ path: attempt.files.image, fd: attempt.target.fd }, request.path, {
    overwrite: request.overwrite,
    onSyncFailure: () => markSuspect(attempt.files),
  });
  removePartials([attempt.files.checkpoint]);
  return {
    ...base,
    ...reason,
    leavesChecked: proof?.leavesChecked ?? 0,
    ...(proof && content ? { content, containerDigest: proof.containerDigest, leavesPath: leafListPath(request.path) } : {}),
  };
}

/** Digests of the whole disk, as far as they are not zeros'. */
export function* wholeEntries({ parent }: CopyRequest, attempt: Attempt, virtualSize: number): Generator<LeafEntry> {
  const settled = settledLeaves(attempt.files.checkpoint);
  if (!parent) return yield* settled;
  using list = LeafList.open(parent.leavesPath);
  yield* mergeEntries(list.entries(), settled, virtualSize);
}

const resumedBytes = (job: CopyJob, attempt: Attempt): number =>
  Math.min(job.source.virtualSize, leafRange(attempt.leaves, job.source.virtualSize).offset);

async function prove(
  job: CopyJob,
  attempt: Attempt,
  content: ContentDigest,
): Promise<{ readonly containerDigest: string; readonly leavesChecked: number }> {
  const { request, progress, tools } = job;
  dropFromCache(attempt);
  progress.enter('verifying', { settled: 0 });
  const source = imageLocator(attempt.files.image, request.settings.format, request.parent);
  const hashing: Omit<Hashing, 'signal'> = {
    ...tools,
    source,
    virtualSize: job.source.virtualSize,
    onLeaf: (result) => progress.advance(result.leaf, 0),
  };
  try {
    const [leavesChecked, containerDigest] = await both(tools.signal, [
      (signal) => checkLeaves(job, attempt, { hashing: { ...hashing, signal }, content, ...overlayOf(request, source) }),
      (signal) => hashContainer(attempt.files.image, { crew: tools.crew, signal }),
    ]);
    progress.enter('verifying', { settled: job.source.virtualSize });
    return { containerDigest, leavesChecked };
  } catch (error) {
    throw judgeReadBack(job, attempt, error);
  }
}

/** Of an overlay only the new part has to be read back: the rest is the parent's, and was proven with it. */
const overlayOf = ({ parent }: CopyRequest, whole: ImageLocator): { readonly overlay?: ImageLocator } =>
  parent ? { overlay: { ...whole, image: { ...whole.image, layers: 1 } } } : {};

/** What was written as a whole image and comes back as none is as wrong as other content; a read that fails may succeed another time. */
function judgeReadBack({ request }: CopyJob, attempt: Attempt, error: unknown): unknown {
  if (!(error instanceof HyperError) || !error.code.startsWith('image/')) return blameTarget(error);
  removePartials([attempt.files.image, attempt.files.checkpoint]);
  const message = `${request.path}: the image came back from the target damaged. ${error.message} The copy was thrown away.`;
  return new HyperError('verify/mismatch', message, { detail: error.detail, cause: error });
}

async function checkLeaves(
  { request }: CopyJob,
  attempt: Attempt,
  o: { readonly hashing: Hashing; readonly content: ContentDigest; readonly overlay?: ImageLocator },
): Promise<number> {
  const sample = { percent: request.verifyPercent, root: o.content.root, ...(o.overlay ? { overlay: o.overlay } : {}) };
  const { wrong, checked } = await findWrongLeaf(o.hashing, settledLeaves(attempt.files.checkpoint), sample);
  if (wrong === undefined) return checked;
  removePartials([attempt.files.image, attempt.files.checkpoint]);
  const { offset, length } = leafRange(wrong, o.content.virtualSize);
  throw new HyperError(
    'verify/mismatch',
    `${request.path}: bytes ${offset} to ${offset + length} of the disk came back different from the target than they were read from the source. The copy was thrown away.`,
    {
      detail: { leaf: wrong, offset, length },
    },
  );
}

/** What is read back should come from the medium, not from memory. */
function dropFromCache(attempt: Attempt): void {
  nativeFs().dropCache?.(attempt.target.fd, { offset: 0, length: 0 });
}

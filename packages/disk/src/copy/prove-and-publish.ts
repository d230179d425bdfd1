import { basename } from 'node:path';
import { HyperError, leafRange, type ContentDigest } from '@hypersdk/domain';
import type { CopiedFile, CopyOutcome, CopyRequest, ImageLocator } from '@hypersdk/ports';
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
import { allPartials, markSuspect, removePartials } from './partial-files.ts';
import { publishSet, retireSet, setPaths } from './publish-set.ts';
import { checkSealedLate, forgetKey } from './sealed-attempt.ts';

/** Reads the target back, and gives it its name only when its content is what was read from the source. */
export async function proveAndPublish(job: CopyJob, attempt: Attempt, content: ContentDigest | undefined): Promise<CopyOutcome> {
  const { request, progress } = job;
  const reason = attempt.restartReason === undefined ? {} : { restartReason: attempt.restartReason };
  // Of volumes there may be fewer than there might have been.
  const paths = setPaths(request.path, job.set?.names.slice(0, attempt.target.files.length - 1) ?? []);
  const unproven = attempt.target.files.map(({ size }, index) => ({ path: paths[index] ?? '', fileSize: size }));
  const base = { virtualSize: job.source.virtualSize, dataRead: progress.dataRead, resumedAt: resumedBytes(job, attempt), warnings: [] };
  if (request.durability === 'none') {
    progress.enter('publishing');
    if (request.overwrite) retireSet(request.path);
    publishSet(attempt.target.files, paths, { overwrite: request.overwrite, isDurable: false });
    tidyUp(job, attempt, request.path);
    return { ...base, ...reason, ...toOutcome(unproven), leavesChecked: 0, ...(content ? { content } : {}) };
  }
  const proof = content ? await prove(job, attempt, content) : undefined;
  progress.enter('publishing');
  const files: readonly CopiedFile[] = unproven.map((file, index) => ({ ...file, ...pick(proof?.digests[index]) }));
  if (request.overwrite) retireSet(request.path);
  if (proof && content) listLeaves(job, attempt, { files, content, leavesChecked: proof.leavesChecked });
  if (request.parent) requireParent(request.parent);
  publishSet(attempt.target.files, paths, { overwrite: request.overwrite, isDurable: true, onSyncFailure: () => markSuspect(attempt.files) });
  tidyUp(job, attempt, request.path);
  return {
    ...base,
    ...reason,
    ...toOutcome(files),
    leavesChecked: proof?.leavesChecked ?? 0,
    ...(proof && content ? { content, leavesPath: leafListPath(request.path) } : {}),
  };
}

const keyOf = ({ sealed }: Attempt): { readonly fileKey?: Uint8Array } => (sealed ? { fileKey: sealed.fileKey } : {});

/** What is left beside an image once it has its name. */
function tidyUp({ request }: CopyJob, { files }: Attempt, image: string): void {
  removePartials([files.checkpoint, files.open]);
  if (request.encryption) forgetKey(request.encryption, image);
}

/** Gives up an attempt that must not live on. */
export function discard({ request }: CopyJob, { files }: Attempt): void {
  if (request.encryption) forgetKey(request.encryption, files.image);
  removePartials(allPartials(files));
}

/** Digests of the whole disk, as far as they are not zeros'. */
export function* wholeEntries({ parent }: CopyRequest, attempt: Attempt, virtualSize: number): Generator<LeafEntry> {
  const settled = settledLeaves(attempt.files.checkpoint);
  if (!parent) return yield* settled;
  using list = LeafList.open(parent.leavesPath);
  yield* mergeEntries(list.entries(), settled, virtualSize);
}

const pick = (containerDigest: string | undefined): Pick<CopiedFile, 'containerDigest'> => (containerDigest === undefined ? {} : { containerDigest });

/** The image's own file is the last. */
function toOutcome(files: readonly CopiedFile[]): CopiedFile & Pick<CopyOutcome, 'parts'> {
  const own = files.at(-1) ?? { path: '', fileSize: 0 };
  return files.length > 1 ? { ...own, parts: files.slice(0, -1) } : own;
}

const resumedBytes = (job: CopyJob, attempt: Attempt): number =>
  Math.min(job.source.virtualSize, leafRange(attempt.leaves, job.source.virtualSize).offset);

interface Proof {
  readonly files: readonly CopiedFile[];
  readonly content: ContentDigest;
  readonly leavesChecked: number;
}

function listLeaves({ request, identity }: CopyJob, attempt: Attempt, { files, content, leavesChecked }: Proof): void {
  const told = files.map(({ path, fileSize, containerDigest = '' }) => ({ file: basename(path), fileSize, containerDigest }));
  const { fileSize, containerDigest } = told.at(-1) ?? { fileSize: 0, containerDigest: '' };
  const parts = told.length > 1 ? { parts: told.slice(0, -1) } : {};
  writeLeafList(
    leafListPath(request.path),
    { version: 1, content, containerDigest, leavesChecked, fileSize, ...parts, identity },
    wholeEntries(request, attempt, content.virtualSize),
  );
}

async function prove(
  job: CopyJob,
  attempt: Attempt,
  content: ContentDigest,
): Promise<{ readonly digests: readonly string[]; readonly leavesChecked: number }> {
  const { request, progress, tools } = job;
  dropFromCache(attempt);
  progress.enter('verifying', { settled: 0 });
  const { image, parts } = attempt.files;
  const source = imageLocator(job, { image, parts, ...keyOf(attempt) });
  const hashing: Omit<Hashing, 'signal'> = {
    ...tools,
    source,
    virtualSize: job.source.virtualSize,
    yieldsToContainers: true,
    onLeaf: (result) => progress.advance(result.leaf, 0),
  };
  try {
    const [leavesChecked, digests] = await both(tools.signal, [
      (signal) => checkLeaves(job, attempt, { hashing: { ...hashing, signal }, content, ...overlayOf(request, source) }),
      (signal) => hashFiles(attempt, { crew: tools.crew, signal }),
    ]);
    await checkSealedLate(attempt, source.image, tools.signal);
    progress.enter('verifying', { settled: job.source.virtualSize });
    return { digests, leavesChecked };
  } catch (error) {
    throw judgeReadBack(job, attempt, error);
  }
}

async function hashFiles({ target }: Attempt, tools: Parameters<typeof hashContainer>[1]): Promise<readonly string[]> {
  const digests: string[] = [];
  for (const { path } of target.files) digests.push(await hashContainer(path, tools));
  return digests;
}

/** Of an overlay only the new part has to be read back: the rest is the parent's, and was proven with it. */
const overlayOf = ({ parent }: CopyRequest, whole: ImageLocator): { readonly overlay?: ImageLocator } =>
  parent ? { overlay: { ...whole, image: { ...whole.image, layers: 1 } } } : {};

/** What was written as a whole image and comes back as none is as wrong as other content; a read that fails may succeed another time. */
function judgeReadBack(job: CopyJob, attempt: Attempt, error: unknown): unknown {
  if (!(error instanceof HyperError) || !/^(?:image|encryption)\//.test(error.code)) return blameTarget(error);
  discard(job, attempt);
  const message = `${job.request.path}: the image came back from the target damaged. ${error.message} The copy was thrown away.`;
  return new HyperError('verify/mismatch', message, { detail: error.detail, cause: error });
}

async function checkLeaves(
  job: CopyJob,
  attempt: Attempt,
  o: { readonly hashing: Hashing; readonly content: ContentDigest; readonly overlay?: ImageLocator },
): Promise<number> {
  const { request } = job;
  const sample = { percent: request.verifyPercent, root: o.content.root, ...(o.overlay ? { overlay: o.overlay } : {}) };
  const { wrong, checked } = await findWrongLeaf(o.hashing, settledLeaves(attempt.files.checkpoint), sample);
  if (wrong === undefined) return checked;
  discard(job, attempt);
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
  for (const { fd } of attempt.target.files) nativeFs().dropCache?.(fd, { offset: 0, length: 0 });
}

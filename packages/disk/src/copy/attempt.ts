import { HyperError } from '@hypersdk/domain';
import type { CopyRequest } from '@hypersdk/ports';
import { blameTarget } from '../file/io-error.ts';
import { PatientFile } from '../file/patient-file.ts';
import { openTarget, type TargetFile, type TargetPaths } from '../file/target-file.ts';
import { imageWriters } from '../format/formats.ts';
import type { FileSet, ImagePlan, Layout, LayoutMark } from '../format/image-writer.ts';
import { CheckpointFile, readCheckpoint, sealedChunks, type CheckpointState, type CopyIdentity } from './checkpoint-file.ts';
import { currentOwner, isProvablyDead } from './owner.ts';
import { adoptPartial, allPartials, findPartials, partialFiles, removePartials, type FoundPartials, type PartialFiles } from './partial-files.ts';
import { beginSealed, continueSealed, forgetKey, type SealedAttempt } from './sealed-attempt.ts';

/** One try at a copy: its files, open for writing, and where it begins. */
export interface Attempt extends Disposable {
  readonly files: PartialFiles;
  readonly paths: TargetPaths;
  readonly target: TargetFile;
  readonly layout: Layout;
  /** What the layout writes to; the room that it asked for has to be made before anything is copied. */
  readonly patient: PatientFile;
  /** Of an encrypted image: what the layout writes to instead of the target. */
  readonly sealed?: SealedAttempt;
  /** Absent for copies that cannot be continued. */
  readonly checkpoint?: CheckpointFile;
  /** Leaves that are settled already. */
  readonly leaves: number;
  /** Why earlier work was not used, when there was some. */
  readonly restartReason?: string;
}

/** Earlier work at the same target: usable from a mark, or not for a reason, or none. */
export type Earlier =
  | { readonly found: FoundPartials; readonly state: CheckpointState & { readonly mark: LayoutMark } }
  | { readonly found: FoundPartials; readonly reason?: string };

/** Looks at what earlier attempts left, without changing it. */
export function findEarlier(request: CopyRequest, identity: CopyIdentity): Earlier {
  const found = findPartials(request.path);
  if (!found.image || !found.checkpoint) return { found };
  if (request.restart) return { found, reason: 'a restart was asked for' };
  try {
    const state = readCheckpoint(found.checkpoint);
    const reason = whyNot(state.identity, identity);
    if (reason) return { found, reason };
    return state.mark ? { found, state: { ...state, mark: state.mark } } : { found };
  } catch (error) {
    // Only what is known to be worthless is given up: a medium that does not answer today may answer tomorrow.
    if (error instanceof HyperError && error.code === 'checkpoint/malformed') return { found, reason: error.message };
    throw blameTarget(error);
  }
}

function whyNot(before: CopyIdentity, now: CopyIdentity): string | undefined {
  if (before.sourceMark !== now.sourceMark || before.virtualSize !== now.virtualSize) return 'the source has changed since the earlier attempt';
  if (before.volumeSize !== now.volumeSize) return 'the earlier attempt was split otherwise';
  if (before.encryption !== now.encryption) return 'the earlier attempt was encrypted for others';
  if (before.format !== now.format || before.plan !== now.plan || before.digest !== now.digest)
    return 'the earlier attempt wrote with other settings';
  if (before.parent !== now.parent) return 'the earlier attempt lay on another export';
  return undefined;
}

interface Kept {
  readonly plan: ImagePlan;
  readonly set: FileSet | undefined;
  readonly identity: CopyIdentity;
}

/** Goes on from earlier work; where there is none, or the image turns out not to be what its checkpoint describes, begins anew. */
export async function openAttempt(earlier: Earlier, request: CopyRequest, kept: Kept): Promise<Attempt> {
  if (!('state' in earlier)) return await beginAttempt(earlier, request, kept);
  try {
    return await continueAttempt(earlier, request, kept);
  } catch (error) {
    if (!(error instanceof HyperError) || error.code !== 'checkpoint/malformed') throw error;
    return await beginAttempt({ found: findPartials(request.path), reason: error.message }, request, kept);
  }
}

async function continueAttempt(earlier: Extract<Earlier, { state: unknown }>, request: CopyRequest, { plan, set }: Kept): Promise<Attempt> {
  const { found, state } = earlier;
  const files = partialFiles(request.path, found.epochMax + 1, set?.names.length);
  const isSafe = isProvablyDead(state.owner) && found.image?.isSuspect === false;
  adoptPartial(found, files, { mode: isSafe ? 'rename' : 'copy', end: state.mark.end, mayBeFewer: set?.volumes ?? false });
  const paths = pathsOf(files, set);
  const target = openTarget(paths, 'continue');
  let sealed: SealedAttempt | undefined;
  try {
    const chunks = sealedChunks(files.checkpoint, state.validSize);
    sealed = request.encryption && (await continueSealed(request.encryption, files, { medium: target, sealed: chunks }));
    const file = sealed?.file ?? target;
    file.truncate(state.mark.end);
    const patient = new PatientFile(file);
    const layout = imageWriters[request.settings.format].layout(plan, patient, state.mark);
    const checkpoint = CheckpointFile.continue(files.checkpoint, state, currentOwner());
    return attempt({ files, paths, target, layout, patient, checkpoint, leaves: state.mark.leaves, ...(sealed ? { sealed } : {}) });
  } catch (error) {
    sealed?.[Symbol.dispose]();
    target[Symbol.dispose]();
    throw error;
  }
}

async function beginAttempt(earlier: { readonly found: FoundPartials; readonly reason?: string }, request: CopyRequest, o: Kept): Promise<Attempt> {
  const files = partialFiles(request.path, earlier.found.epochMax + 1, o.set?.names.length);
  if (request.encryption && earlier.found.image) forgetKey(request.encryption, earlier.found.image.path);
  removePartials(earlier.found.all);
  const paths = pathsOf(files, o.set);
  const target = openTarget(paths, 'create');
  let sealed: SealedAttempt | undefined;
  try {
    sealed = request.encryption && (await beginSealed(request.encryption, files, target));
    const patient = new PatientFile(sealed?.file ?? target);
    const layout = imageWriters[request.settings.format].layout(o.plan, patient);
    const isKept = request.durability === 'sync' || request.digest === 'tree';
    const checkpoint = isKept ? { checkpoint: CheckpointFile.create(files.checkpoint, o.identity, currentOwner()) } : {};
    const reason = earlier.reason === undefined ? {} : { restartReason: earlier.reason };
    return attempt({ files, paths, target, layout, patient, leaves: 0, ...checkpoint, ...(sealed ? { sealed } : {}), ...reason });
  } catch (error) {
    sealed?.[Symbol.dispose]();
    target[Symbol.dispose]();
    removePartials(allPartials(files));
    throw error;
  }
}

const pathsOf = ({ image, parts }: PartialFiles, set: FileSet | undefined): TargetPaths => ({
  path: image,
  ...(set ? { parts: { ...set, paths: parts } } : {}),
});

function attempt(parts: Omit<Attempt, typeof Symbol.dispose>): Attempt {
  return {
    ...parts,
    [Symbol.dispose]: () => {
      parts.checkpoint?.[Symbol.dispose]();
      parts.sealed?.[Symbol.dispose]();
      parts.target[Symbol.dispose]();
    },
  };
}

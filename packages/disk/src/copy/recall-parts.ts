import { existsSync, renameSync, statSync } from 'node:fs';
import { toTargetError } from '../file/io-error.ts';
import { hashContainer } from './hash-container.ts';
import type { CopyJob } from './job.ts';
import { LeafList } from './leaf-list.ts';
import { findPartials, partialFiles } from './partial-files.ts';
import { setPaths } from './publish-set.ts';

/**
 * Takes back the files of an image that a run named before it was killed, so that they are whole again with those it did not get to. They are known
 * by the leaf list of this very copy, which was on the medium before the first of them was named.
 */
export async function recallParts({ request, identity, set, tools }: CopyJob): Promise<void> {
  if (!set || existsSync(request.path)) return;
  const header = LeafList.headerOf(request.path);
  if (!header?.parts || JSON.stringify(header.identity) !== JSON.stringify(identity)) return;
  const found = findPartials(request.path);
  const { parts } = partialFiles(request.path, found.epochMax, set.names.length);
  const named = setPaths(request.path, set.names);
  for (const [index, part] of header.parts.entries()) {
    const from = named[index];
    const to = parts[index];
    if (from === undefined || to === undefined || found.parts.has(index)) continue;
    if (statSync(from, { throwIfNoEntry: false })?.size !== part.fileSize) continue;
    if ((await hashContainer(from, tools)) === part.containerDigest) recall(from, to);
  }
}

function recall(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    throw toTargetError(cause, from, 'taking it back');
  }
}

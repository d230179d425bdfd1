import { existsSync, statSync } from 'node:fs';
import { HyperError } from '@hypersdk/domain';
import type { CopyOutcome } from '@hypersdk/ports';
import { blameTarget } from '../file/io-error.ts';
import { hashContainer } from './hash-container.ts';
import type { CopyJob } from './job.ts';
import { LeafList, leafListPath } from './leaf-list.ts';
import { findPartials, removePartials } from './partial-files.ts';

/**
 * The image of this very copy that an earlier run published before it could report: its leaf list tells the same identity, and its bytes still have the digest recorded there.
 * Any other file under the name is `target/exists`, unless it may be replaced.
 */
export async function findPublished({ request, identity, source, tools, progress }: CopyJob): Promise<CopyOutcome | undefined> {
  if (!existsSync(request.path)) return undefined;
  const header = request.restart || request.digest === 'none' ? undefined : readHeader(leafListPath(request.path));
  const isSame = header && JSON.stringify(header.identity) === JSON.stringify(identity) && statSync(request.path).size === header.fileSize;
  if (isSame) {
    progress.enter('verifying', { resumedAt: source.virtualSize, settled: source.virtualSize });
    const { content, containerDigest, fileSize, leavesChecked } = header;
    if ((await digestOf(request.path, tools)) === containerDigest) {
      // The run that was killed after publishing could not tidy up any more.
      removePartials(findPartials(request.path).all);
      return {
        path: request.path,
        virtualSize: source.virtualSize,
        fileSize,
        content,
        containerDigest,
        leavesPath: leafListPath(request.path),
        leavesChecked,
        dataRead: 0,
        resumedAt: source.virtualSize,
        warnings: [],
      };
    }
  }
  if (request.overwrite) return undefined;
  throw new HyperError('target/exists', `${request.path} exists already.`, { detail: { path: request.path } });
}

async function digestOf(path: string, tools: CopyJob['tools']): Promise<string> {
  try {
    return await hashContainer(path, tools);
  } catch (error) {
    throw blameTarget(error);
  }
}

function readHeader(path: string): LeafList['header'] | undefined {
  try {
    using list = LeafList.open(path);
    return list.header;
  } catch {
    return undefined;
  }
}

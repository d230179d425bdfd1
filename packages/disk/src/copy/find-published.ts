import { existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import type { CopiedFile, CopyOutcome, CopyRequest } from '@hypersdk/ports';
import { findFileKey } from '../age/file-key.ts';
import { ReadableDiskFile } from '../file/disk-file.ts';
import { blameTarget } from '../file/io-error.ts';
import { hashContainer } from './hash-container.ts';
import type { CopyJob } from './job.ts';
import { LeafList, leafListPath, type LeafListHeader } from './leaf-list.ts';
import { findPartials, removePartials } from './partial-files.ts';
import { setPaths } from './publish-set.ts';
import { forgetKey } from './sealed-attempt.ts';

/**
 * The image of this very copy that an earlier run published before it could report: its leaf list tells the same identity, and its bytes still have the digest recorded there.
 * Any other file under the name is `target/exists`, unless it may be replaced.
 */
export async function findPublished(job: CopyJob): Promise<CopyOutcome | undefined> {
  const { request, identity, source, progress } = job;
  if (!existsSync(request.path)) return undefined;
  const header = request.restart || request.digest === 'none' ? undefined : LeafList.headerOf(request.path);
  const isSame = header && JSON.stringify(header.identity) === JSON.stringify(identity) && statSync(request.path).size === header.fileSize;
  if (isSame && (await isOpenedBy(request))) {
    progress.enter('verifying', { resumedAt: source.virtualSize, settled: source.virtualSize });
    const { content, containerDigest, fileSize, leavesChecked } = header;
    const files = filesOf(job, header);
    if (await areWhole(files, job.tools)) {
      const parts = files.slice(0, -1);
      // The run that was killed after publishing could not tidy up any more.
      removePartials(findPartials(request.path).all);
      if (request.encryption) forgetKey(request.encryption, request.path);
      return {
        path: request.path,
        virtualSize: source.virtualSize,
        fileSize,
        content,
        containerDigest,
        ...(parts.length === 0 ? {} : { parts }),
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

/** Its list knows for whom an image is encrypted, but of a passphrase only that there is one. */
async function isOpenedBy({ path, encryption }: CopyRequest): Promise<boolean> {
  if (!encryption || !('passphrase' in encryption)) return true;
  using file = ReadableDiskFile.open(path);
  try {
    return (await findFileKey(file, encryption)) !== undefined;
  } catch (error) {
    if (error instanceof HyperError && error.code === 'encryption/wrong-key') return false;
    throw error;
  }
}

/** The files of the image as its list tells them, its own last. */
function filesOf({ request, set }: CopyJob, { parts = [], fileSize, containerDigest }: LeafListHeader): readonly Required<CopiedFile>[] {
  const own = { file: basename(request.path), fileSize, containerDigest };
  const paths = setPaths(request.path, set?.names ?? []);
  return paths.flatMap((path) => {
    const told = [...parts, own].find(({ file }) => file === basename(path));
    return told ? [{ path, fileSize: told.fileSize, containerDigest: told.containerDigest }] : [];
  });
}

async function areWhole(files: readonly Required<CopiedFile>[], tools: CopyJob['tools']): Promise<boolean> {
  for (const { path, fileSize, containerDigest } of files) {
    if (statSync(path, { throwIfNoEntry: false })?.size !== fileSize) return false;
    if ((await digestOf(path, tools)) !== containerDigest) return false;
  }
  return true;
}

async function digestOf(path: string, tools: CopyJob['tools']): Promise<string> {
  try {
    return await hashContainer(path, tools);
  } catch (error) {
    throw blameTarget(error);
  }
}

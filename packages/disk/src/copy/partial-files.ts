import { copyFileSync, constants, fsyncSync, openSync, closeSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { toTargetError } from '../file/io-error.ts';

/** Names of the files of one attempt. A new attempt has a higher epoch and never the same name. */
export interface PartialFiles {
  readonly epoch: number;
  readonly image: string;
  readonly checkpoint: string;
}

export const partialFiles = (path: string, epoch: number): PartialFiles => ({
  epoch,
  image: `${path}.partial.${epoch}`,
  checkpoint: `${path}.partial.${epoch}.checkpoint`,
});

export interface FoundPartials {
  readonly epochMax: number;
  /** Newest image with all its bytes, and whether a failed sync made its later pages untrustworthy. */
  readonly image?: { readonly path: string; readonly isSuspect: boolean };
  readonly checkpoint?: string;
  /** Everything found, for removal. */
  readonly all: readonly string[];
}

const PARTIAL_NAME = /^\.partial\.(\d{1,9})(\.checkpoint|\.suspect|\.copying)?$/;

/** What earlier attempts at `path` left behind. The newest image goes with the newest checkpoint: each is renamed in this order. */
export function findPartials(path: string): FoundPartials {
  const base = basename(path);
  const found = listFolder(dirname(path)).flatMap((name) => {
    const match = name.startsWith(base) ? PARTIAL_NAME.exec(name.slice(base.length)) : undefined;
    return match ? [{ path: join(dirname(path), name), epoch: Number(match[1]), role: match[2] ?? '' }] : [];
  });
  const newestFirst = found.toSorted((a, b) => b.epoch - a.epoch);
  const image = newestFirst.find((file) => file.role === '' || file.role === '.suspect');
  const checkpoint = newestFirst.find((file) => file.role === '.checkpoint');
  return {
    epochMax: newestFirst[0]?.epoch ?? 0,
    all: found.map((file) => file.path),
    ...(image ? { image: { path: image.path, isSuspect: image.role === '.suspect' } } : {}),
    ...(checkpoint ? { checkpoint: checkpoint.path } : {}),
  };
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw toTargetError(cause, folder, 'looking for earlier attempts');
  }
}

/**
 * Makes the work of an earlier attempt the start of a new one. `rename` keeps the file: for an owner that is dead for certain.
 * `copy` takes the settled bytes into a new file (sharing blocks where the file system can), so that a writer that may still live cannot reach them.
 */
export function adoptPartial(found: FoundPartials, next: PartialFiles, how: { readonly mode: 'rename' | 'copy'; readonly end: number }): void {
  const { image, checkpoint } = found;
  if (!image || !checkpoint) return;
  try {
    if (how.mode === 'copy') copySettled(image.path, next, how.end);
    else renameSync(image.path, next.image);
    renameSync(checkpoint, next.checkpoint);
    for (const path of found.all) if (path !== checkpoint) rmSync(path, { force: true });
  } catch (cause) {
    throw toTargetError(cause, next.image, 'taking over an earlier attempt');
  }
}

function copySettled(from: string, next: PartialFiles, end: number): void {
  const copying = `${next.image}.copying`;
  rmSync(copying, { force: true });
  copyFileSync(from, copying, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  truncateSync(copying, end);
  const fd = openSync(copying, constants.O_RDWR);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(copying, next.image);
}

/** After a failed sync nobody knows which pages reached the medium: the next attempt must not go on in this file. */
export const markSuspect = (files: PartialFiles): void => renameSync(files.image, `${files.image}.suspect`);

export function removePartials(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true });
}

import { copyFileSync, constants, fsyncSync, openSync, closeSync, readdirSync, renameSync, truncateSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import { toTargetError } from '../file/io-error.ts';
import { removeFile } from '../file/remove-file.ts';

/** Names of the files of one attempt. A new attempt has a higher epoch and never the same name. */
export interface PartialFiles {
  readonly epoch: number;
  readonly image: string;
  /** The files beside it of an image that is not one file. */
  readonly parts: readonly string[];
  readonly checkpoint: string;
  /** Of an encrypted image: chunks that may still change. */
  readonly open: string;
}

export const partialFiles = (path: string, epoch: number, partCount = 0): PartialFiles => ({
  epoch,
  image: `${path}.partial.${epoch}`,
  parts: Array.from({ length: partCount }, (_, index) => `${path}.partial.${epoch}.part${index + 1}`),
  checkpoint: `${path}.partial.${epoch}.checkpoint`,
  open: `${path}.partial.${epoch}.open`,
});

/** Every file of an attempt, in the order in which they are given up: nobody may go on by a checkpoint when a part of what it tells of is gone. */
export const allPartials = ({ image, parts, checkpoint, open }: PartialFiles): readonly string[] => [checkpoint, open, ...parts, image];

export interface FoundPartials {
  readonly epochMax: number;
  /** Newest image with all its bytes, and whether a failed sync made its later pages untrustworthy. */
  readonly image?: { readonly path: string; readonly isSuspect: boolean };
  readonly checkpoint?: string;
  readonly open?: string;
  /** The newest of each of the files beside the image, by their number from 0. */
  readonly parts: ReadonlyMap<number, string>;
  /** Everything found, in the order of removal: checkpoints first, so that none stays behind what it tells of. */
  readonly all: readonly string[];
}

const PARTIAL_NAME = /^\.partial\.(\d{1,9})(\.checkpoint|\.open|\.suspect|\.copying|\.part(\d{1,9}))?$/;

/** What earlier attempts at `path` left behind. The newest parts and image go with the newest checkpoint: they are renamed in this order. */
export function findPartials(path: string): FoundPartials {
  const base = basename(path);
  const found = listFolder(dirname(path)).flatMap((name) => {
    const match = name.startsWith(base) ? PARTIAL_NAME.exec(name.slice(base.length)) : undefined;
    return match ? [{ path: join(dirname(path), name), epoch: Number(match[1]), role: match[2] ?? '', part: Number(match[3] ?? 0) }] : [];
  });
  const newestFirst = found.toSorted((a, b) => b.epoch - a.epoch);
  const image = newestFirst.find((file) => file.role === '' || file.role === '.suspect');
  const checkpoint = newestFirst.find((file) => file.role === '.checkpoint');
  const open = newestFirst.find((file) => file.role === '.open');
  const parts = newestFirst.filter(({ part }) => part > 0).toReversed();
  return {
    parts: new Map(parts.map((file) => [file.part - 1, file.path])),
    epochMax: newestFirst[0]?.epoch ?? 0,
    all: found.toSorted((a, b) => Number(b.role === '.checkpoint') - Number(a.role === '.checkpoint')).map((file) => file.path),
    ...(image ? { image: { path: image.path, isSuspect: image.role === '.suspect' } } : {}),
    ...(checkpoint ? { checkpoint: checkpoint.path } : {}),
    ...(open ? { open: open.path } : {}),
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
 * `copy` takes the settled bytes and the checkpoint into new files (sharing blocks where the file system can), so that a writer that may still live
 * reaches neither, and is not written to.
 */
export function adoptPartial(
  found: FoundPartials,
  next: PartialFiles,
  how: { readonly mode: 'rename' | 'copy'; readonly end: number; readonly mayBeFewer?: boolean },
): void {
  const { image, checkpoint, open } = found;
  if (!image || !checkpoint) return;
  try {
    for (const [index, part] of next.parts.entries()) {
      const from = found.parts.get(index);
      if (from === undefined && how.mayBeFewer) continue;
      if (from === undefined) throw isMissing(part);
      if (how.mode === 'copy') copyAs(part, { from, copying: `${next.image}.copying` });
      else renameSync(from, part);
    }
    if (how.mode === 'copy') {
      // Of an encrypted image all is kept: what was sealed beyond the checkpoint tells what may be sealed there again.
      copyAs(next.image, { from: image.path, copying: `${next.image}.copying`, ...(open || next.parts.length > 0 ? {} : { end: how.end }) });
      if (open) copyAs(next.open, { from: open, copying: `${next.image}.copying` });
      copyAs(next.checkpoint, { from: checkpoint, copying: `${next.image}.copying` });
    } else {
      renameSync(image.path, next.image);
      if (open) renameSync(open, next.open);
      renameSync(checkpoint, next.checkpoint);
    }
    removePartials(found.all);
  } catch (cause) {
    throw toTargetError(cause, next.image, 'taking over an earlier attempt');
  }
}

const isMissing = (path: string): HyperError =>
  new HyperError('checkpoint/malformed', `${path} has no counterpart in the earlier attempt.`, { detail: { path } });

/** Under another name first, so that a kill in between leaves no half of it under this one. */
function copyAs(path: string, { from, copying, end }: { readonly from: string; readonly copying: string; readonly end?: number }): void {
  removeFile(copying);
  copyFileSync(from, copying, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  if (end !== undefined) truncateSync(copying, end);
  const fd = openSync(copying, constants.O_RDWR);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(copying, path);
}

/** After a failed sync nobody knows which pages reached the medium: the next attempt must not go on in this file. */
export function markSuspect(files: PartialFiles): void {
  try {
    renameSync(files.image, `${files.image}.suspect`);
  } catch {
    // The failed sync is what has to be told. Pages that were lost are still found when the image is read back.
  }
}

export function removePartials(paths: readonly string[]): void {
  for (const path of paths) removeFile(path);
}

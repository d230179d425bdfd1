import { closeSync, constants, fsyncSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';
import { toTargetError } from '../file/io-error.ts';
import type { TargetFile } from '../file/target-file.ts';
import { nativeFs } from '../native/load.ts';

/**
 * Gives verified bytes their name so that a power cut at any instant leaves either no name or a whole file:
 * sync the file, sync the folder, rename without replacing, sync the folder. `onSyncFailure` is told when the file itself could not be synced.
 */
export function publishFile(partial: OpenFile, path: string, o: PublishOptions & { readonly onSyncFailure?: () => void }): void {
  syncFile(partial, o);
  syncFolder(path);
  giveName(partial.path, path, o);
  syncFolder(path);
}

export interface PublishOptions {
  readonly overwrite: boolean;
}

type OpenFile = Pick<TargetFile['files'][number], 'path' | 'fd'>;

export function syncFile({ path, fd }: OpenFile, o: { readonly onSyncFailure?: () => void }): void {
  try {
    fsyncSync(fd);
  } catch (cause) {
    o.onSyncFailure?.();
    throw toTargetError(cause, path, 'syncing it');
  }
}

/** Renames; without `overwrite` never onto an existing file, not even one that appears at this very moment. */
export function giveName(from: string, to: string, o: { readonly overwrite: boolean }): void {
  try {
    rename(from, to, o);
  } catch (cause) {
    throw toPublishError(cause, to);
  }
}

function toPublishError(cause: unknown, path: string): HyperError {
  if (systemCode(cause) === 'EEXIST') return new HyperError('target/exists', `${path} exists already.`, { detail: { path }, cause });
  return toTargetError(cause, path, 'publishing it');
}

function rename(from: string, to: string, o: { readonly overwrite: boolean }): void {
  if (o.overwrite) return renameSync(from, to);
  if (renamedNatively(from, to)) return;
  linkSync(from, to);
  unlinkSync(from);
}

/** False where the system or the file system has no such call (renameat2(2): EINVAL, ENOSYS). */
function renamedNatively(from: string, to: string): boolean {
  const rename = nativeFs().renameNoReplace;
  if (!rename) return false;
  try {
    rename(from, to);
    return true;
  } catch (cause) {
    if (['EINVAL', 'ENOSYS'].includes(systemCode(cause) ?? '')) return false;
    throw cause;
  }
}

/** Has the names in a file's folder on the medium. */
export function syncFolder(path: string): void {
  try {
    const fd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw toPublishError(cause, path);
  }
}

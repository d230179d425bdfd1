import { closeSync, constants, fsyncSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';
import { toTargetError } from '../file/io-error.ts';
import { nativeFs } from '../native/load.ts';

/**
 * Gives verified bytes their name so that a power cut at any instant leaves either no name or a whole file:
 * sync the file, sync the folder, rename without replacing, sync the folder. `onSyncFailure` is told when the file itself could not be synced.
 */
export function publishFile(
  partial: { readonly path: string; readonly fd: number },
  path: string,
  o: { readonly overwrite: boolean; readonly onSyncFailure?: () => void },
): void {
  try {
    fsyncSync(partial.fd);
  } catch (cause) {
    o.onSyncFailure?.();
    throw toTargetError(cause, partial.path, 'syncing it');
  }
  try {
    syncFolder(path);
    rename(partial.path, path, o);
    syncFolder(path);
  } catch (cause) {
    throw toPublishError(cause, path);
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

function syncFolder(path: string): void {
  const fd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { HeldFolder } from './held-folder.ts';

/** A leading dot keeps it out of every list: no object's name begins with one. */
const TEMPORARY_PREFIX = '.put-';
const NEW_FILE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export interface PutOptions extends Cancel {
  readonly ifAbsent: boolean;
}

/**
 * Stores a whole file under a name, so that after a power cut the name has all of the bytes or is as it was before: exclusive temporary file, write,
 * fsync of the file, fsync of the folder, link or rename, fsync of the folder. After a failed fsync the file is thrown away, never synced again:
 * the kernel may have dropped the pages it could not write.
 */
export async function durablePut(folder: HeldFolder, file: { readonly name: string; readonly bytes: Uint8Array }, o: PutOptions): Promise<void> {
  const temporary = folder.pathOf(`${TEMPORARY_PREFIX}${randomBytes(9).toString('hex')}`);
  try {
    await writeNewFile(temporary, file.bytes);
    await folder.sync();
    o.signal.throwIfAborted();
    await publish(temporary, folder.pathOf(file.name), o);
  } catch (error) {
    await remove(temporary);
    if (systemCode(error) === 'EEXIST') throw new HyperError('target/exists', `${file.name} exists already.`, { cause: error });
    throw error;
  }
  await folder.sync();
}

async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, NEW_FILE_FLAGS, 0o600);
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, at);
    at += bytesWritten;
  }
  await file.sync();
}

/** A link fails when the name is taken, where a rename would replace what is there. */
async function publish(temporary: string, path: string, { ifAbsent }: PutOptions): Promise<void> {
  if (!ifAbsent) return rename(temporary, path);
  await link(temporary, path);
  await unlink(temporary);
}

/** Removes a temporary file of which nobody knows any more; that it cannot be removed does not matter beside the error at hand. */
async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch {
    // The next sweep finds it.
  }
}

/** A put takes seconds; a temporary file of yesterday belongs to a process that died. */
const STALE_AGE_MS = 24 * 60 * 60 * 1000;

/** Removes temporary files that killed processes left in a folder. */
export async function sweepStale(folder: HeldFolder, o: Cancel): Promise<void> {
  const names = await readdir(folder.path);
  for (const name of names.filter((candidate) => candidate.startsWith(TEMPORARY_PREFIX))) {
    o.signal.throwIfAborted();
    const path = folder.pathOf(name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() && Date.now() - found.mtimeMs > STALE_AGE_MS) await remove(path);
  }
}

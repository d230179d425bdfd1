import { constants } from 'node:fs';
import { link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '@hypersdk/domain';
import type { HistoryEntry } from '@hypersdk/ports';
import { mergeLines, parseLines, previousName, readLines, toLine } from './entry-lines.ts';

/** What is kept: more than anyone looks back for, and half of what makes the next compaction begin. */
const KEPT_COUNT_MAX = 1000;
const KEPT_SIZE_MAX = 1024 * 1024;
/** A compaction takes milliseconds; a lock this old belongs to a process that died. */
const LOCK_AGE_MAX_MS = 60_000;

const NEW_FILE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const APPEND_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;

/**
 * Replaces the file by one with the newest entries. Others may append meanwhile: what they append to the old file before it loses its name is carried over,
 * and who appends later sees that the name moved and appends again. The old file keeps a second name until then, so that a crash at any point loses nothing.
 * Does nothing while another process compacts.
 */
export async function compact(path: string): Promise<void> {
  const lock = `${path}.lock`;
  if (!(await takeLock(lock))) return;
  try {
    await finishDead(path);
    const seen = await readLines(path);
    const kept = chooseKept(mergeLines(seen)).map((entry) => toLine(entry, 'kept'));
    const fresh = `${path}.compact`;
    await unlinkIfThere(fresh);
    await writeLines(fresh, NEW_FILE_FLAGS, kept);

    await link(path, previousName(path));
    await rename(fresh, path);
    await syncFolder(path);
    await carryOver(path, seen.current);
    await unlinkIfThere(previousName(path));
  } finally {
    await unlinkIfThere(lock);
  }
}

/** What a compaction that died had still to do: everything in its old file is at least as new as what was kept from it. */
async function finishDead(path: string): Promise<void> {
  await carryOver(path, '');
  await unlinkIfThere(previousName(path));
}

function chooseKept(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const kept: HistoryEntry[] = [];
  let size = 0;
  for (const entry of entries.toReversed().slice(0, KEPT_COUNT_MAX)) {
    size += toLine(entry, 'kept').length;
    if (size > KEPT_SIZE_MAX) break;
    kept.push(entry);
  }
  return kept.toReversed();
}

/** Appends what came to the old file after it was read, from the last whole line on. */
async function carryOver(path: string, seen: string): Promise<void> {
  const { previous } = await readLines(path);
  const late = [...parseLines(previous.slice(Math.max(0, seen.lastIndexOf('\n')))).values()];
  if (late.length === 0) return;
  await writeLines(
    path,
    APPEND_FLAGS,
    late.map(({ entry }) => toLine(entry, 'late')),
  );
}

async function writeLines(path: string, flags: number, lines: readonly Uint8Array[]): Promise<void> {
  await using file = await open(path, flags, 0o600);
  await file.writeFile(Buffer.concat(lines));
  await file.sync();
}

async function takeLock(lock: string): Promise<boolean> {
  const found = await lstat(lock).catch(() => undefined);
  if (found && Date.now() - found.mtimeMs > LOCK_AGE_MAX_MS) await unlinkIfThere(lock);
  try {
    await using file = await open(lock, NEW_FILE_FLAGS, 0o600);
    await file.sync();
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

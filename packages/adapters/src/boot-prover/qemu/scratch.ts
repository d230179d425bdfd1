import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'hypersdk-boot-';
/** A socket's path has at most 107 bytes (unix(7)). */
const FOLDER_LENGTH_MAX = 80;
/** A folder at work gets a new screen twice a second; nobody works in one that is this old. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** A folder of its own for one machine, removed with it. */
export async function openScratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(scratchRoot(), PREFIX));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Removes what proofs left behind that were killed before they could. Others' folders stay: they are not ours to remove. */
export async function sweepScratch(now: number): Promise<void> {
  const root = scratchRoot();
  const names = (await readdir(root)).filter((name) => name.startsWith(PREFIX));
  for (const path of names.map((name) => join(root, name))) {
    const about = await stat(path).catch(() => undefined);
    const isOurs = about?.isDirectory() === true && about.uid === process.getuid?.();
    if (isOurs && now - about.mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

const scratchRoot = (): string => (tmpdir().length > FOLDER_LENGTH_MAX ? '/tmp' : tmpdir());

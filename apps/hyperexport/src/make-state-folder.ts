import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';

// Keys, and what was exported where, are nobody else's business.
const PRIVATE_FOLDER = 0o700;

/** Makes the folder of keys and history with the folders above it. One by one: Node's recursive call never ends where the system answers ENOENT for good, as procfs does. */
export async function makeStateFolder(path: string): Promise<void> {
  const about = await stat(path).catch(() => undefined);
  if (about?.isDirectory()) return;
  if (about) throw unusable(path, 'it is not a folder');
  if (dirname(path) !== path) await makeStateFolder(dirname(path));
  try {
    await mkdir(path, { mode: PRIVATE_FOLDER });
  } catch (error) {
    const code = systemCode(error) ?? 'unknown';
    // Another run may have been faster.
    if (code !== 'EEXIST') throw unusable(path, `the system answered ${code}`, error);
  }
}

const unusable = (path: string, why: string, cause?: unknown): HyperError =>
  new HyperError('target/read-only', `The folder ${path} for keys and history cannot be made: ${why}. HYPERSDK_STATE names another`, {
    detail: { path },
    cause,
  });

import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

/** What lies at a path; undefined when nothing does. A path that may not be looked at is not taken for an absent one. */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    const code = systemCode(cause) ?? 'unknown';
    if (ABSENT.has(code)) return undefined;
    throw new HyperError('source/forbidden', `${path} cannot be looked at: the system answered ${code}.`, { detail: { path, system: code }, cause });
  }
}

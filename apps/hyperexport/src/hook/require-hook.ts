import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { HyperError } from '@hypersdk/domain';

/** Refuses a hook that could not be run: to hear of it after a night of copying would be too late. A name without a slash is looked for on the search path. */
export function requireHook(program: string, searchPath = process.env['PATH'] ?? ''): void {
  const paths = program.includes('/') ? [program] : searchPath.split(delimiter).map((folder) => join(folder, program));
  if (paths.some(canRun)) return;
  throw new HyperError('usage/invalid', `--hook ${program}: there is no such program that may be run; a hook is one program, without arguments`, {
    detail: { field: 'hook', program },
  });
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** The absolute path of the first of these programs that is there. Relative folders are not looked in: what runs would depend on where one stands. */
export function findProgram(names: readonly string[], folders: readonly string[]): string | undefined {
  const paths = names.flatMap((name) => folders.filter(isAbsolute).map((folder) => join(folder, name)));
  return paths.find((path) => isThere(path, constants.X_OK));
}

/** Whether a path is there and may be used so: a mode of access(2). */
export function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whether an export was deleted from where it lay. A target that is missing or empty as a whole may only be unmounted. */
export const isExportGone = (folder: string): boolean => !existsSync(folder) && !isEmpty(dirname(folder));

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch {
    return true;
  }
}

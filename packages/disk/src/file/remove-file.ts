import { unlinkSync } from 'node:fs';
import { systemCode } from '@hypersdk/domain';
import { toTargetError } from './io-error.ts';

/** Removes a file of the target; one that is not there is fine. `rmSync` would do, but it does not say which error the system gave. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw toTargetError(cause, path, 'removing it');
  }
}

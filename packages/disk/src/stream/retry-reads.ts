import { setTimeout as delay } from 'node:timers/promises';
import { HyperError } from '@hypersdk/domain';

/** A medium that answers an error may answer the next time; one that fails this often will not. Waits between tries, in milliseconds. */
const WAITS_MS = [20, 200, 1000];

/** Runs a read, and again after a pause while it fails with `source/unreadable`. Other errors, and the last one, go to the caller. */
export async function retryReads<Result>(read: () => Result): Promise<Awaited<Result>> {
  for (const waitMs of WAITS_MS) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof HyperError) || error.code !== 'source/unreadable') throw error;
      await delay(waitMs);
    }
  }
  return await read();
}

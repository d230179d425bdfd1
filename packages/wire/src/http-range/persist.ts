import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, type ErrorCode } from '@hypersdk/domain';
import { waitOf } from './retry-after.ts';

export interface Persistence {
  readonly signal: AbortSignal;
  /** Waits before it is tried again, in milliseconds, unless a server asks for longer ones; after the last, it fails. */
  readonly waitsMs: readonly number[];
  /** Failures that say nothing about the file: the connection is over, or the server busy. */
  readonly passing: readonly ErrorCode[];
  /** Tells, after a failure, whether so much was gained meanwhile that the waits begin anew. */
  readonly hasProgressed?: () => boolean;
}

/** Works until it succeeds, or fails for good. */
export async function persist<Result>(work: () => Promise<Result>, o: Persistence): Promise<Result> {
  for (let losses = 0; ;) {
    try {
      return await work();
    } catch (error) {
      o.signal.throwIfAborted();
      if (!(error instanceof HyperError) || !o.passing.includes(error.code)) throw error;
      if (o.hasProgressed?.()) losses = 0;
      const waitMs = o.waitsMs[losses];
      if (waitMs === undefined) throw gone(error, o.waitsMs.length + 1);
      losses += 1;
      // A stop is told by its reason, not by the timer's.
      await delay(Math.max(waitMs, waitOf(error)), undefined, { signal: o.signal }).catch(() => o.signal.throwIfAborted());
    }
  }
}

const gone = (cause: HyperError, tries: number): HyperError =>
  new HyperError('source/unreadable', `${cause.message} It was tried ${tries} times.`, { detail: cause.detail, cause });

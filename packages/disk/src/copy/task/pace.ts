import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Throttle } from '../../stream/throttle.ts';

/** Turns a shared rate limit into a wait before each read; undefined when there is none. */
export function paceOf(shared: SharedArrayBuffer | undefined): ((bytes: number) => Promise<void>) | undefined {
  if (!shared) return undefined;
  const throttle = new Throttle(shared);
  return async (bytes) => {
    const waitMs = throttle.take(bytes, performance.timeOrigin + performance.now());
    if (waitMs > 0) await delay(waitMs);
  };
}

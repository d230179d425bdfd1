import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Throttle } from '../../stream/throttle.ts';
import type { WorkRing } from '../work-ring.ts';

/** A low rate makes waits of minutes; a stop is noticed this soon. */
const WAIT_MS = 100;

/** Turns a shared rate limit into a wait before each read, given up when the work is stopped; undefined when there is no limit. */
export function paceOf(shared: SharedArrayBuffer | undefined, ring: Pick<WorkRing, 'stopped'>): ((bytes: number) => Promise<void>) | undefined {
  if (!shared) return undefined;
  const throttle = new Throttle(shared);
  const now = (): number => performance.timeOrigin + performance.now();
  return async (bytes) => {
    const dueAt = now() + throttle.take(bytes, now());
    for (let left = dueAt - now(); left > 0 && !ring.stopped; left = dueAt - now()) await delay(Math.min(left, WAIT_MS));
  };
}

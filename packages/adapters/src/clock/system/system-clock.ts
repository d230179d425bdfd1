import type { Clock } from '@hypersdk/ports';

/** The clocks of this machine. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }
}

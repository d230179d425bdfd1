import type { Clock } from '@hypersdk/ports';

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  #now: number;
  #elapsed = 0;

  constructor(startsAt: string = '2026-01-01T00:00:00Z') {
    this.#now = Date.parse(startsAt);
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  /** Lets time pass on both clocks. */
  pass(ms: number): void {
    this.#now += ms;
    this.#elapsed += ms;
  }

  /** Sets the wall clock, as an administrator or a time service may; durations are not touched. */
  setWallClock(now: string): void {
    this.#now = Date.parse(now);
  }
}

import type { Clock } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';

export interface ClockSubject {
  readonly clock: Clock;
  /** Lets so many milliseconds go by. */
  pass(ms: number): Promise<void>;
}

export type OpenClock = () => Promise<ClockSubject>;

/** What every clock promises. */
export function clockContract(open: OpenClock): void {
  registerChecks('clock', checksOfClock(open));
}

/** 2020-01-01 and 2100-01-01: a clock that counts seconds or microseconds is outside. */
const PLAUSIBLE = { from: 1_577_836_800_000, to: 4_102_444_800_000 } as const;

export const checksOfClock = (open: OpenClock): readonly Check[] => [
  {
    name: 'the wall clock counts milliseconds since 1970',
    run: async () => {
      const { clock } = await open();
      expect(clock.now()).toBeGreaterThan(PLAUSIBLE.from);
      expect(clock.now()).toBeLessThan(PLAUSIBLE.to);
    },
  },
  {
    name: 'elapsed time never goes back',
    run: async () => {
      const { clock, pass } = await open();
      let last = clock.elapsed();
      for (let round = 0; round < 50; round += 1) {
        if (round % 10 === 0) await pass(1);
        const next = clock.elapsed();
        expect(next).toBeGreaterThanOrEqual(last);
        last = next;
      }
    },
  },
  {
    name: 'elapsed time grows by the milliseconds that pass',
    run: async () => {
      const { clock, pass } = await open();
      const before = clock.elapsed();
      await pass(20);
      // Timers of a real clock may fire a millisecond early, and late by as much as the machine is busy.
      expect(clock.elapsed() - before).toBeGreaterThanOrEqual(18);
      expect(clock.elapsed() - before).toBeLessThan(10_000);
    },
  },
];

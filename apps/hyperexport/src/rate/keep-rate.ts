import type { Clock, RateBudget, Transfer } from '@hypersdk/ports';
import { rateAt, type RateLimit } from './rate-limit.ts';

/** The wall clock is asked again rather than trusted to a long timer: machines sleep, and summer time comes. */
const LOOK_EVERY_MS = 1_000;

/** More than any machine moves. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** One budget for everything that copies, kept at what the time of day allows until disposed. */
export interface KeptRate extends Disposable {
  /** Absent where there is no limit at any time. */
  readonly budget?: RateBudget;
}

export function keepRate(transfer: Pick<Transfer, 'openBudget' | 'setRate'>, limit: RateLimit | undefined, clock: Pick<Clock, 'now'>): KeptRate {
  if (!limit || (limit.windows.length === 0 && limit.otherwise === undefined)) return { [Symbol.dispose]: () => undefined };
  const rateNow = (): number => rateAt(limit, minuteOfDay(clock.now())) ?? UNLIMITED;
  let rate = rateNow();
  const budget = transfer.openBudget(rate);
  const look = (): void => {
    const next = rateNow();
    if (next === rate) return;
    rate = next;
    transfer.setRate(budget, rate);
  };
  const timer = limit.windows.length > 0 ? setInterval(look, LOOK_EVERY_MS).unref() : undefined;
  return { budget, [Symbol.dispose]: () => clearInterval(timer) };
}

/** In the local time zone: a line is busy when people nearby are awake. */
function minuteOfDay(now: number): number {
  const time = new Date(now);
  return time.getHours() * 60 + time.getMinutes();
}

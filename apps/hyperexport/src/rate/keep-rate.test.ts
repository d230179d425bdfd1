import type { RateBudget } from '@hypersdk/ports';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keepRate } from './keep-rate.ts';
import { parseRateLimit } from './rate-limit.ts';

/** Remembers the rates that it was given. */
const listening = () => {
  const rates: number[] = [];
  return {
    rates,
    openBudget(rate: number): RateBudget {
      rates.push(rate);
      return { shared: new SharedArrayBuffer(8) };
    },
    setRate: (_: RateBudget, rate: number): void => void rates.push(rate),
  };
};
const at = (time: string): number => new Date(`2026-03-02T${time}:00`).getTime();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a rate that is kept', () => {
  test('changes when the time of day does, and only then', () => {
    const transfer = listening();
    let now = at('07:59');
    using kept = keepRate(transfer, parseRateLimit('08:00-18:00=1,*=5'), { now: () => now });
    expect(kept.budget).toBeDefined();
    vi.advanceTimersByTime(10_000);
    expect(transfer.rates).toEqual([5]);
    now = at('08:00');
    vi.advanceTimersByTime(10_000);
    expect(transfer.rates).toEqual([5, 1]);
    now = at('18:00');
    vi.advanceTimersByTime(1_000);
    expect(transfer.rates).toEqual([5, 1, 5]);
  });

  test('is as good as no limit where a window has none', () => {
    const transfer = listening();
    using _kept = keepRate(transfer, parseRateLimit('08:00-18:00=1'), { now: () => at('20:00') });
    expect(transfer.rates).toEqual([Number.MAX_SAFE_INTEGER]);
  });

  test('leaves no timer behind, and opens no budget without a limit', () => {
    const transfer = listening();
    keepRate(transfer, parseRateLimit('08:00-18:00=1'), { now: () => at('20:00') })[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
    expect(keepRate(transfer, undefined, { now: Date.now }).budget).toBeUndefined();
    expect(keepRate(transfer, parseRateLimit('none'), { now: Date.now }).budget).toBeUndefined();
  });
});

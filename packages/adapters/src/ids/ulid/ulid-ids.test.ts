import { FakeClock, idsContract } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { UlidIds } from './ulid-ids.ts';

idsContract(async () => {
  const clock = new FakeClock();
  return { ids: new UlidIds(clock), pass: async (ms) => clock.pass(ms) };
});

describe('ulid', () => {
  test('time and chance are spelled as the specification says', () => {
    const ids = new UlidIds({ now: () => 1469918176385 }, (size) => new Uint8Array(size));
    expect(ids.next()).toBe('01ARYZ6S410000000000000000');
    expect(ids.next()).toBe('01ARYZ6S410000000000000001');
  });

  test('ids of one millisecond sort in the order they were made, also when chance is at its end', () => {
    const ids = new UlidIds({ now: () => 1 }, (size) => new Uint8Array(size).fill(255));
    const made = Array.from({ length: 100 }, () => ids.next());
    expect(made.toSorted()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  test('a clock that is set back does not send ids back', () => {
    const clock = new FakeClock('2026-06-01T00:00:00Z');
    const ids = new UlidIds(clock);
    const before = ids.next();
    clock.setWallClock('2026-05-31T00:00:00Z');
    expect(ids.next() > before).toBe(true);
  });
});

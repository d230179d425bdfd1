import { MIB } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { estimate, observeCourse, startCourse, type Course, type Estimate, type Work } from './eta.ts';

interface Recorded {
  readonly atMs: number;
  readonly work: Work;
}

const copying = (done: number, total: number | undefined, verify = 0): Work => ({
  copy: { done, total, active: true },
  verify: { done: 0, total: verify, active: false },
});
const verifying = (done: number, total: number, copied: number): Work => ({
  copy: { done: copied, total: copied, active: false },
  verify: { done, total, active: true },
});

/** Plays a sequence and answers the estimate after every step. */
function play(sequence: readonly Recorded[]): readonly (Estimate & { readonly atMs: number })[] {
  let course: Course | undefined;
  return sequence.map(({ atMs, work }) => {
    course = course ? observeCourse(course, work, atMs) : startCourse(work, atMs);
    return { atMs, ...estimate(course, work) };
  });
}

const every = (stepMs: number, untilMs: number, work: (atMs: number) => Work): readonly Recorded[] =>
  Array.from({ length: Math.floor(untilMs / stepMs) + 1 }, (_, step) => ({ atMs: step * stepMs, work: work(step * stepMs) }));

const SPEED = 100 * MIB; // a second
const TOTAL = 6_000 * MIB; // one minute at that speed
const copied = (atMs: number): number => Math.min(TOTAL, (atMs / 1000) * SPEED);

describe('a steady copy', () => {
  const estimates = play(every(250, 60_000, (at) => copying(copied(at), TOTAL)));

  test('says nothing before two seconds have been seen', () => {
    expect(estimates.filter((one) => one.atMs < 2_000).every((one) => one.remainingMs === undefined)).toBe(true);
  });

  test('is right to one percent from then on', () => {
    for (const one of estimates.filter((each) => each.atMs >= 2_000 && each.atMs < 59_000)) {
      expect(Math.abs((one.remainingMs ?? Infinity) - (60_000 - one.atMs))).toBeLessThan(600);
    }
  });

  test('shows its speed', () => {
    expect(estimates.at(-8)?.speed).toBeCloseTo(SPEED, -4);
  });
});

test('the verify stage is part of the promise from the beginning', () => {
  const estimates = play(every(250, 30_000, (at) => copying(copied(at), TOTAL, TOTAL)));
  const last = estimates.at(-1);
  // Half of the copy is left (30 s) and the whole of the read-back (60 s, taken to be as fast).
  expect(last?.remainingMs).toBeGreaterThan(88_000);
  expect(last?.remainingMs).toBeLessThan(92_000);
});

test('a read-back faster than the copy is noticed', () => {
  const copy = every(250, 60_000, (at) => copying(copied(at), TOTAL, TOTAL));
  const verify = every(250, 8_000, (at) => verifying((at / 1000) * 5 * SPEED, TOTAL, TOTAL)).map((one) => ({ ...one, atMs: one.atMs + 60_250 }));
  const last = play([...copy, ...verify]).at(-1);
  // 2,000 MiB are left at 500 MiB a second.
  expect(last?.remainingMs).toBeGreaterThan(3_500);
  expect(last?.remainingMs).toBeLessThan(4_500);
});

describe('a stall', () => {
  const before = every(250, 20_000, (at) => copying(copied(at), TOTAL));
  const during = every(250, 12_000, () => copying(copied(20_000), TOTAL)).map((one) => ({ ...one, atMs: one.atMs + 20_000 }));
  const after = every(250, 20_000, (at) => copying(copied(20_000 + at), TOTAL)).map((one) => ({ ...one, atMs: one.atMs + 32_000 }));
  const estimates = play([...before, ...during.slice(1), ...after.slice(1)]);
  const at = (ms: number): Estimate | undefined => estimates.find((one) => one.atMs === ms);

  test('makes the time left grow at once', () => {
    expect(at(23_000)?.remainingMs).toBeGreaterThan(at(20_000)?.remainingMs ?? Infinity);
  });

  test('is told after five seconds, without a promise', () => {
    expect(at(26_000)).toMatchObject({ remainingMs: undefined, speed: 0, stalledMs: 6_000 });
  });

  test('is forgotten within twenty seconds of going on', () => {
    // 20 s are left in truth at 52 s.
    expect(at(52_000)?.remainingMs).toBeGreaterThan(19_000);
    expect(at(52_000)?.remainingMs).toBeLessThan(22_000);
  });
});

test('bytes of an earlier attempt are no speed of this one', () => {
  const estimates = play(every(250, 10_000, (at) => copying(4_000 * MIB + copied(at), TOTAL)));
  expect(estimates.at(-1)?.speed).toBeCloseTo(SPEED, -4);
  expect(estimates.at(-1)?.remainingMs).toBeCloseTo(10_000, -3);
});

test('without a known amount there is a speed but no promise', () => {
  const last = play(every(250, 10_000, (at) => copying(copied(at), undefined))).at(-1);
  expect(last?.remainingMs).toBeUndefined();
  expect(last?.speed).toBeCloseTo(SPEED, -4);
});

test('two disks in different stages share one promise', () => {
  const work = (atMs: number): Work => ({
    copy: { done: (atMs / 1000) * SPEED, total: 4_000 * MIB, active: true },
    verify: { done: (atMs / 1000) * SPEED, total: 4_000 * MIB, active: true },
  });
  expect(play(every(250, 20_000, work)).at(-1)?.remainingMs).toBeCloseTo(20_000, -3);
});

test('a disk that begins anew gives its bytes back without a negative speed', () => {
  const first = every(250, 5_000, (at) => copying(copied(at), TOTAL));
  const anew = every(250, 500, (at) => copying(copied(at), TOTAL)).map((one) => ({ ...one, atMs: one.atMs + 5_250 }));
  expect(play([...first, ...anew]).every((one) => (one.speed ?? 0) >= 0)).toBe(true);
});

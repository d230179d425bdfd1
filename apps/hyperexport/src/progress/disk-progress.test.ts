import { GIB } from '@hypersdk/domain';
import type { CopyProgress } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { addWork, fractionOf, toWork, type DiskProgress } from './disk-progress.ts';

const running = (progress: Partial<CopyProgress>): DiskProgress => ({
  label: 'disk',
  state: 'running',
  progress: { stage: 'copying', virtualSize: 100 * GIB, settled: 0, dataRead: 0, resumedAt: 0, dataExpected: 10 * GIB, ...progress },
});

describe('work', () => {
  test('is data, not span: a leap over a hole is no work done', () => {
    const before = toWork(running({ settled: 5 * GIB, dataRead: 5 * GIB }), 100);
    const after = toWork(running({ settled: 80 * GIB, dataRead: 5 * GIB }), 100);
    expect(after).toEqual(before);
  });

  test('counts the read-back in from the beginning', () => {
    expect(toWork(running({}), 50).verify).toEqual({ done: 0, total: 5 * GIB, active: false });
  });

  test('reads all of a resumed disk back, not only what this attempt copied', () => {
    const resumed = running({ resumedAt: 50 * GIB, dataExpected: 5 * GIB });
    expect(toWork(resumed, 100)).toMatchObject({ copy: { total: 5 * GIB }, verify: { total: 10 * GIB } });
  });

  test('of a check alone is one pass', () => {
    const check = running({ stage: 'verifying', dataRead: 2 * GIB });
    expect(toWork(check, 0)).toEqual({ copy: { done: 2 * GIB, total: 10 * GIB, active: true }, verify: { done: 0, total: 0, active: false } });
  });

  test('of several disks is known only when it is known of each', () => {
    const known = toWork(running({}), 100);
    const waiting = toWork({ label: 'b', state: 'waiting' }, 100);
    expect(addWork([known, known]).copy.total).toBe(20 * GIB);
    expect(addWork([known, waiting]).copy.total).toBeUndefined();
  });
});

describe('the fraction', () => {
  test('only ever grows over the stages and ends at one', () => {
    const steps = [
      running({ stage: 'planning' }),
      running({ dataRead: 5 * GIB, settled: 50 * GIB }),
      running({ dataRead: 10 * GIB, settled: 100 * GIB }),
      running({ stage: 'syncing', dataRead: 10 * GIB, settled: 100 * GIB }),
      running({ stage: 'verifying', dataRead: 10 * GIB, settled: 0 }),
      running({ stage: 'verifying', dataRead: 10 * GIB, settled: 50 * GIB }),
      running({ stage: 'publishing', dataRead: 10 * GIB, settled: 100 * GIB }),
    ];
    const fractions = steps.map((step) => fractionOf(step, 100));
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
  });

  test('goes by the span while the amount of data is not known', () => {
    const unknown: DiskProgress = {
      label: 'd',
      state: 'running',
      progress: { stage: 'copying', virtualSize: 100, settled: 50, dataRead: 1, resumedAt: 0 },
    };
    expect(fractionOf(unknown, 100)).toBe(0.25);
  });

  test('of a disk without data is finished by its stages', () => {
    const empty = { dataExpected: 0, virtualSize: GIB };
    expect(fractionOf(running({ ...empty, settled: GIB }), 100)).toBe(0.5);
    expect(fractionOf(running({ ...empty, stage: 'publishing', settled: GIB }), 100)).toBe(1);
  });
});

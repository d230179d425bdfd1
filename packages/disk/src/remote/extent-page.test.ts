import { endOf } from '@hypersdk/domain';
import { extentsTiling } from '@hypersdk/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExtentPage } from './extent-page.ts';

const SIZE = 100_000;

describe('a page of a map', () => {
  test('answers any range as the runs it was made of do', () => {
    fc.assert(
      fc.property(extentsTiling(SIZE), fc.nat(SIZE - 1), fc.nat(SIZE), (runs, offset, length) => {
        const page = new ExtentPage(0, runs);
        const kindAt = (at: number): string | undefined => runs.find((run) => run.offset <= at && at < endOf(run))?.kind;
        const end = Math.min(SIZE, offset + length);
        let at = offset;
        for (const extent of page.extents({ offset, length })) {
          expect(extent.offset).toBe(at);
          for (const probe of [extent.offset, endOf(extent) - 1]) expect(extent.kind).toBe(kindAt(probe));
          at = endOf(extent);
        }
        expect(at).toBe(Math.max(offset, end));
      }),
    );
  });

  test('joins neighbours of one kind', () => {
    const page = new ExtentPage(512, [
      { length: 512, kind: 'data' },
      { length: 512, kind: 'data' },
      { length: 1024, kind: 'hole' },
    ]);
    expect([page.runCount, page.start, page.end]).toEqual([2, 512, 2560]);
  });
});

import { LEAF_SIZE, type ByteRange, type Extent } from '@hypersdk/domain';
import { extentsTiling } from '@hypersdk/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeLeaves, planLeaves, type PlannedLeaf } from './plan-leaves.ts';

/** Answers the part of a list of extents that lies in the range. */
const over = (extents: readonly Extent[]): { extents(range: ByteRange): Iterable<Extent> } => ({
  *extents(range) {
    for (const extent of extents) {
      const start = Math.max(extent.offset, range.offset);
      const end = Math.min(extent.offset + extent.length, range.offset + range.length);
      if (start < end) yield { offset: start, length: end - start, kind: extent.kind };
    }
  },
});

const VIRTUAL_SIZE = 9 * LEAF_SIZE + 12345;

const leavesOf = (plan: Iterable<PlannedLeaf>): PlannedLeaf[] => [...plan].filter((leaf) => leaf !== 'searching');

/** A disk whose tables take long to walk and hold nothing before its last leaf. */
const long = {
  *extents(range: ByteRange): Generator<Extent> {
    const end = VIRTUAL_SIZE - 1;
    for (let offset = range.offset; offset < end; offset += 4096) {
      for (const until = performance.now() + 0.05; performance.now() < until;);
      yield { offset, length: Math.min(4096, end - offset), kind: 'zero' };
    }
    yield { offset: Math.max(range.offset, end), length: 1, kind: 'data' };
  },
};

describe('planning leaves', () => {
  test('finds exactly the leaves that data touches', () => {
    fc.assert(
      fc.property(extentsTiling(VIRTUAL_SIZE), fc.nat(9), (extents, from) => {
        const touched = new Set<number>();
        for (const { kind, offset, length } of extents) {
          if (kind !== 'data' || length === 0) continue;
          for (let leaf = Math.floor(offset / LEAF_SIZE); leaf * LEAF_SIZE < offset + length; leaf += 1) touched.add(leaf);
        }
        const expected = [...touched].filter((leaf) => leaf >= from).toSorted((a, b) => a - b);
        expect(leavesOf(planLeaves(over(extents), { from, virtualSize: VIRTUAL_SIZE }))).toEqual(expected);
      }),
    );
  });

  test('several plans are merged in order, each leaf once', () => {
    expect([...mergeLeaves([[1, 4, 7], [], [1, 2, 7, 9]])]).toEqual([1, 2, 4, 7, 9]);
  });

  test('gives word during a long search, and finds what lies behind it', () => {
    const plan = [...planLeaves(long, { from: 0, virtualSize: VIRTUAL_SIZE })];
    expect(plan.filter((leaf) => leaf === 'searching').length).toBeGreaterThan(4);
    expect(plan.at(-1)).toBe(9);
    expect(leavesOf(plan)).toEqual([9]);
  });

  test('merged plans pass the word on and stay in order', () => {
    expect([...mergeLeaves([['searching', 1, 'searching', 4], [2]])]).toEqual(['searching', 1, 'searching', 2, 4]);
    expect([...mergeLeaves([['searching'], [3, 'searching']])]).toEqual(['searching', 3, 'searching']);
  });
});

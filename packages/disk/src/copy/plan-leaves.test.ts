import { LEAF_SIZE, type ByteRange, type Extent } from '@hypersdk/domain';
import { extentsTiling } from '@hypersdk/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeLeaves, planLeaves } from './plan-leaves.ts';

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
        expect([...planLeaves(over(extents), { from, virtualSize: VIRTUAL_SIZE })]).toEqual(expected);
      }),
    );
  });

  test('several plans are merged in order, each leaf once', () => {
    expect([...mergeLeaves([[1, 4, 7], [], [1, 2, 7, 9]])]).toEqual([1, 2, 4, 7, 9]);
  });
});

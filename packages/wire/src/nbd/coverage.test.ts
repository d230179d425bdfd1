import { expect, test } from 'vitest';
import { Coverage } from './coverage.ts';

const LENGTH = 24;

/** All ways to cut a range into pieces of three sizes would be many; a walk with a stride that is prime to the length visits every place once. */
test.each([1, 5, 7, 11, 13, 23])('pieces that come in the order of stride %i cover all in the end, and never twice', (stride) => {
  const coverage = new Coverage();
  for (let step = 0; step < LENGTH; step += 1) {
    const at = (step * stride) % LENGTH;
    expect(coverage.covers(LENGTH)).toBe(false);
    expect(coverage.add(at, at + 1)).toBe(true);
    expect(coverage.add(at, at + 1)).toBe(false);
  }
  expect(coverage.covers(LENGTH)).toBe(true);
});

test.each([
  [0, 5],
  [3, 6],
  [4, 5],
  [7, 12],
  [0, 20],
])('a piece from %i to %i that overlaps an earlier one is refused', (start, end) => {
  const coverage = new Coverage();
  coverage.add(4, 8);
  coverage.add(10, 11);
  expect(coverage.add(start, end)).toBe(false);
});

import { expect, test } from 'vitest';
import { median, medianRatio } from './statistics.ts';

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 9])).toBe(3);
  expect(median([])).toBeNaN();
});

test('the ratio is that of the middle round, so a round that was slow for both sides does not count', () => {
  expect(medianRatio([1, 50, 1], [2, 100, 2])).toBe(0.5);
  expect(medianRatio([1, 1, 30], [2, 2, 2])).toBe(0.5);
});

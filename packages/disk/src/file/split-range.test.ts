import { expect, test } from 'vitest';
import { splitRange } from './split-range.ts';

test('a range is cut where files meet, and each piece knows its place in both', () => {
  expect([...splitRange({ offset: 90, length: 120 }, 100)]).toEqual([
    { index: 0, offset: 90, length: 10, at: 0 },
    { index: 1, offset: 0, length: 100, at: 10 },
    { index: 2, offset: 0, length: 10, at: 110 },
  ]);
});

test('a range that ends at a border has no piece behind it, and an empty one has none', () => {
  expect([...splitRange({ offset: 100, length: 100 }, 100)]).toEqual([{ index: 1, offset: 0, length: 100, at: 0 }]);
  expect([...splitRange({ offset: 100, length: 0 }, 100)]).toEqual([]);
});

test('offsets beyond 32 bits are cut as exactly', () => {
  const span = 2 ** 31;
  expect([...splitRange({ offset: 5 * span - 1, length: 2 }, span)]).toEqual([
    { index: 4, offset: span - 1, length: 1, at: 0 },
    { index: 5, offset: 0, length: 1, at: 1 },
  ]);
});

import { expect, test } from 'vitest';
import { BoundedCache } from './bounded-cache.ts';

test('it keeps what was used last, and offers what it drops for re-use', () => {
  const cache = new BoundedCache<string>(2);
  const loads: string[] = [];
  const get = (key: number): string =>
    cache.get(key, (missing, dropped) => {
      loads.push(`${missing}<${dropped ?? ''}`);
      return `value ${missing}`;
    });
  for (const key of [1, 2, 1, 3, 1, 2]) expect(get(key)).toBe(`value ${key}`);
  expect(loads).toEqual(['1<', '2<', '3<value 2', '2<value 3']);
});

test('a failed load leaves nothing behind', () => {
  const cache = new BoundedCache<number>(1);
  const fail = (): number => {
    throw new Error('no table');
  };
  expect(() => cache.get(1, fail)).toThrow('no table');
  expect(cache.get(1, () => 5)).toBe(5);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OffsetSet } from './offset-set.ts';

test('it finds exactly the offsets that were added before', () => {
  const offset = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 2 ** 44 })).map((sectors) => sectors * 512);
  fc.assert(
    fc.property(fc.array(offset, { maxLength: 3000 }), (offsets) => {
      const set = new OffsetSet(10_000);
      const reference = new Set<number>();
      for (const each of offsets) {
        expect(set.add(each)).toBe(!reference.has(each));
        reference.add(each);
      }
    }),
    { numRuns: 50 },
  );
});

test('when it is full it still knows what it has, and takes nothing new', () => {
  const set = new OffsetSet(2);
  expect([512, 1024, 1536].map((offset) => set.add(offset))).toEqual([true, true, true]);
  expect([512, 1024, 1536].map((offset) => set.add(offset))).toEqual([false, false, true]);
});

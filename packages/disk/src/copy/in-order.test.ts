import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InOrder } from './in-order.ts';

test('whatever order things come in, they are handed on in the order of their numbers', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }).chain((length) => fc.shuffledSubarray([...Array(length).keys()], { minLength: length })),
      (order) => {
        const taken: number[] = [];
        const inOrder = new InOrder<number>((thing) => taken.push(thing));
        for (const sequence of order) inOrder.add(sequence, sequence);
        expect(taken).toEqual([...order].toSorted((a, b) => a - b));
        expect(inOrder.count).toBe(order.length);
      },
    ),
  );
});

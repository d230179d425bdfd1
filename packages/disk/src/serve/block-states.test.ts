import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK_SIZE, BlockStates, type BlockState } from './block-states.ts';

const BLOCKS = 200;
/** Blocks that lie in different pages too. */
const block = fc.nat(BLOCKS).map((index) => index * 401);
const state = fc.constantFrom<BlockState>('base', 'written', 'zero');

test('runs tell the state of every block, and join neighbours', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(block, state), { maxLength: 40 }), block, fc.integer({ min: 1, max: 100_000 }), (sets, first, count) => {
      const states = new BlockStates();
      const model = new Map<number, BlockState>();
      for (const [at, value] of sets) {
        states.set(at, value);
        model.set(at, value);
      }
      const range = { offset: first * BLOCK_SIZE + 7, length: count * BLOCK_SIZE };
      let at = range.offset;
      let before: BlockState | undefined;
      for (const run of states.runs(range)) {
        expect(run.offset).toBe(at);
        expect(run.state).not.toBe(before);
        before = run.state;
        at += run.length;
        for (const inside of [run.offset, at - 1]) expect(model.get(Math.floor(inside / BLOCK_SIZE)) ?? 'base').toBe(run.state);
      }
      expect(at).toBe(range.offset + range.length);
    }),
    { numRuns: 50 },
  );
});

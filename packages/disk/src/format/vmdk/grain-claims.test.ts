import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GrainClaims } from './grain-claims.ts';

describe('grain claims', () => {
  test('notice exactly the grains that share a sector with an earlier one, aligned or not', () => {
    const grains = fc.array(fc.record({ slot: fc.integer({ min: 0, max: 40 }), remainder: fc.constantFrom(0, 0, 0, 3, 7) }), { maxLength: 30 });
    fc.assert(
      fc.property(grains, (list) => {
        const claims = new GrainClaims(8);
        const taken: number[] = [];
        for (const { slot, remainder } of list) {
          const sector = slot * 8 + remainder;
          const clash = taken.some((other) => Math.abs(other - sector) < 8);
          expect(claims.claim(sector)).toBe(clash ? 'overlap' : undefined);
          if (!clash) taken.push(sector);
        }
      }),
    );
  });

  test('reach to the last sector that a table entry can name', () => {
    const claims = new GrainClaims(128);
    expect(claims.claim(2 ** 32 - 128)).toBeUndefined();
    expect(claims.claim(2 ** 32 - 256)).toBeUndefined();
    expect(claims.claim(2 ** 32 - 129)).toBe('overlap');
  });

  test('give up on a file with more alignments than programs make, instead of taking memory', () => {
    const claims = new GrainClaims(128);
    const answers = Array.from({ length: 9 }, (_, at) => claims.claim(at * 1280 + at));
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(8);
    expect(answers.at(-1)).toBe('too-many');
  });

  test('give up on a file that is strewn too far, instead of taking memory', () => {
    const claims = new GrainClaims(8);
    const spread = 8 * 4096 * 8;
    const answers = Array.from({ length: 5000 }, (_, at) => claims.claim(at * spread));
    expect(answers.findIndex((answer) => answer === 'too-many')).toBe(4096);
  });
});

import { describe, expect, test } from 'vitest';
import { clip, displayWidth, pad, printable } from './printable.ts';

test('a name cannot steer the terminal', () => {
  expect(printable('web\u001B[2J\u009B31m\n\u202Egnp')).toBe('web [2J 31m gnp');
});

describe('the width of text', () => {
  test('counts columns, not code units', () => {
    expect(['web', 'wéb', 'we\u0301b', '仮想', '🖥️x'].map(displayWidth)).toEqual([3, 3, 3, 4, 3]);
  });

  test('is what cutting and filling go by', () => {
    expect(clip('a-very-long-name', 8)).toBe('a-very-…');
    expect(clip('仮想マシン', 6)).toBe('仮想…');
    expect(clip('short', 8)).toBe('short');
    expect(clip('short', 0)).toBe('');
    expect(pad('仮想', { width: 6, align: 'right' })).toBe('  仮想');
  });
});

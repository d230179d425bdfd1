import { describe, expect, test } from 'vitest';
import { drawBar, formatDuration, formatPercent, formatRemaining, formatSpeed } from './format-progress.ts';

test('durations read like a clock and never say zero while there is work', () => {
  expect([1, 7_000, 59_001, 760_000, 11_110_000, 200_000_000].map(formatDuration)).toEqual(['0:01', '0:07', '1:00', '12:40', '3:05:10', '2 d 7 h']);
});

test('a hundred percent is only what is finished', () => {
  expect([0, 0.005, 0.5, 0.9999, 1].map(formatPercent)).toEqual(['0%', '0%', '50%', '99%', '100%']);
});

test('what is not known is three dots', () => {
  expect(formatSpeed(undefined)).toBe('…');
  expect(formatRemaining({ speed: 1, remainingMs: undefined, stalledMs: 0 })).toBe('…');
  expect(formatRemaining({ speed: 0, remainingMs: undefined, stalledMs: 12_000 })).toBe('stalled 0:12');
  expect(formatRemaining({ speed: 1, remainingMs: 41_000, stalledMs: 0 })).toBe('0:41 left');
  expect(formatRemaining({ speed: 1, remainingMs: 0, stalledMs: 0 })).toBe('ending');
});

describe('a bar', () => {
  test('is as wide as asked at every fraction', () => {
    for (let step = -1; step <= 101; step += 1) {
      for (const unicode of [true, false]) expect([...drawBar(step / 100, { width: 17, unicode })]).toHaveLength(17);
    }
  });

  test('moves by eighths where the terminal can show them', () => {
    expect(drawBar(0.5, { width: 4, unicode: true })).toBe('██░░');
    expect(drawBar(0.57, { width: 4, unicode: true })).toBe('██▎░');
    expect(drawBar(0.56, { width: 4, unicode: false })).toBe('##--');
  });
});

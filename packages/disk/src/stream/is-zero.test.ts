import { expect, test } from 'vitest';
import { isZero } from './is-zero.ts';

const STEP = 64 * 1024;

test('zeros of any length are zero, none at all included', () => {
  for (const length of [0, 1, 2, 7, 512, STEP - 1, STEP, STEP + 1, 4 * 1024 * 1024 + 3]) expect(isZero(new Uint8Array(length))).toBe(true);
});

test('one byte that is not zero is seen wherever it stands', () => {
  for (const length of [1, 2, 3, 600, 2 * STEP + 5]) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += length > 1000 ? 61 : 1) {
      bytes[at] = 1;
      expect(isZero(bytes)).toBe(false);
      bytes[at] = 0;
    }
    expect(isZero(bytes)).toBe(true);
  }
});

test('bytes around a view do not count', () => {
  const memory = new Uint8Array(3 * STEP).fill(0xff);
  memory.fill(0, 1001, 1001 + STEP + 77);
  expect(isZero(memory.subarray(1001, 1001 + STEP + 77))).toBe(true);
  expect(isZero(memory.subarray(1000, 1001 + STEP + 77))).toBe(false);
  expect(isZero(memory.subarray(1001, 1001 + STEP + 78))).toBe(false);
});

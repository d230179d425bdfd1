import { expect, test } from 'vitest';
import { parsePixmap } from './pixmap.ts';

const ppm = (header: string, pixels: readonly number[]): Uint8Array => Buffer.concat([Buffer.from(header, 'latin1'), Buffer.from(pixels)]);

test('a pixmap is its size and its pixels', () => {
  expect(parsePixmap(ppm('P6\n2 1\n255\n', [1, 2, 3, 4, 5, 6]))).toEqual({ width: 2, height: 1, pixels: Buffer.from([1, 2, 3, 4, 5, 6]) });
});

test.each([
  ['another kind', ppm('P5\n1 1\n255\n', [1, 2, 3])],
  ['cut short', ppm('P6\n2 2\n255\n', [1, 2, 3])],
  ['too long', ppm('P6\n1 1\n255\n', [1, 2, 3, 4])],
  ['without pixels', ppm('P6\n0 1\n255\n', [])],
  ['larger than any screen', ppm('P6\n99999 99999\n255\n', [1])],
  ['empty', new Uint8Array(0)],
])('what is %s is no picture', (_, bytes) => {
  expect(parsePixmap(bytes)).toBeUndefined();
});

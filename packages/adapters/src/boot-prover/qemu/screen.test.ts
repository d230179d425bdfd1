import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parseScreen } from './screen.ts';

const ppm = (header: string, pixels: readonly number[]): Uint8Array => Buffer.concat([Buffer.from(header, 'latin1'), Buffer.from(pixels)]);

test('a pixmap becomes a PNG with the same pixels', () => {
  const pixels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const screen = parseScreen(ppm('P6\n2 2\n255\n', pixels));
  expect(screen).toMatchObject({ width: 2, height: 2, isBlank: false });
  const png = Buffer.from(screen?.png ?? new Uint8Array(0));
  const at = png.indexOf('IDAT');
  const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  expect([...rows]).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]);
});

test('one colour is blank, and equal pictures have equal digests', () => {
  const grey = parseScreen(ppm('P6\n1 2\n255\n', [9, 8, 7, 9, 8, 7]));
  expect(grey?.isBlank).toBe(true);
  expect(grey?.digest).toBe(parseScreen(ppm('P6 1 2 255 ', [9, 8, 7, 9, 8, 7]))?.digest);
  expect(grey?.digest).not.toBe(parseScreen(ppm('P6\n1 2\n255\n', [9, 8, 7, 9, 8, 6]))?.digest);
});

test.each([
  ['another kind', ppm('P5\n1 1\n255\n', [1, 2, 3])],
  ['cut short', ppm('P6\n2 2\n255\n', [1, 2, 3])],
  ['too long', ppm('P6\n1 1\n255\n', [1, 2, 3, 4])],
  ['without pixels', ppm('P6\n0 1\n255\n', [])],
  ['larger than any screen', ppm('P6\n99999 99999\n255\n', [1])],
  ['empty', new Uint8Array(0)],
])('what is %s is no picture', (_, bytes) => {
  expect(parseScreen(bytes)).toBeUndefined();
});

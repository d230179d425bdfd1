import { crc32, inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { measurePng, toPng } from './png.ts';

const picture = { width: 2, height: 2, pixels: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) };

test('a picture becomes a PNG with the same pixels, each row after its filter', () => {
  const png = Buffer.from(toPng(picture));
  const at = png.indexOf('IDAT');
  const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  expect([...rows]).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]);
  expect(measurePng(png)).toEqual({ width: 2, height: 2 });
});

/** With other bytes in its header, and a CRC that fits them. */
const withSize = (width: number, height: number): Uint8Array => {
  const png = Buffer.from(toPng(picture));
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
};
const END_SIZE = 12;

test.each([
  ['of another format', Buffer.from('GIF89a')],
  ['nothing but a signature', toPng(picture).subarray(0, 8)],
  ['cut short in a chunk', toPng(picture).subarray(0, 40)],
  ['cut short between chunks', toPng(picture).subarray(0, -END_SIZE)],
  ['followed by something else', Buffer.concat([toPng(picture), Buffer.from('<script>')])],
  ['followed by another end', Buffer.concat([toPng(picture), toPng(picture).subarray(-END_SIZE)])],
  ['damaged', Buffer.from(toPng(picture)).fill(0x55, 45, 46)],
  ['without width', withSize(0, 2)],
  ['higher than any screen', withSize(2, 0xffff_ffff)],
  ['empty', new Uint8Array(0)],
])('what is %s is no PNG', (_, bytes) => {
  expect(measurePng(bytes)).toBeUndefined();
});

test('every cut and every change of a byte is noticed', () => {
  const png = toPng(picture);
  for (let at = 0; at < png.length; at += 1) {
    expect(measurePng(png.subarray(0, at)), `cut at ${at}`).toBeUndefined();
    const changed = Uint8Array.from(png);
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    expect(measurePng(changed), `changed at ${at}`).toBeUndefined();
  }
});

import { expectRefusal } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { ISO_HEAD_SIZE, parseIsoDescriptor } from './iso-descriptor.ts';

const SECTOR = 2048;

/** Descriptors from sector 16 on, by type; ECMA-119 §8. */
function buildHead(types: readonly number[], o: { readonly label?: string; readonly blockSize?: number; readonly bootId?: string } = {}): Buffer {
  const bytes = Buffer.alloc(ISO_HEAD_SIZE);
  for (const [at, type] of types.entries()) {
    const offset = (16 + at) * SECTOR;
    bytes.writeUInt8(type, offset);
    bytes.write('CD001\u0001', offset + 1, 'latin1');
    if (type === 0) bytes.write(o.bootId ?? 'EL TORITO SPECIFICATION', offset + 7, 'latin1');
    if (type !== 1) continue;
    bytes.write((o.label ?? 'LABEL').padEnd(32), offset + 40, 'latin1');
    bytes.writeUInt32LE(0xffff_ffff, offset + 80);
    bytes.writeUInt16LE(o.blockSize ?? SECTOR, offset + 128);
  }
  return bytes;
}

const refuse = (head: Uint8Array) => expectRefusal((async () => parseIsoDescriptor(head))(), 'image/malformed');

describe('descriptors of a disc', () => {
  test('say what it is called, how large it is and whether it starts, in whatever order they come', () => {
    expect(parseIsoDescriptor(buildHead([1, 255]))).toEqual({ label: 'LABEL', isBootable: false, spaceSize: 0xffff_ffff * SECTOR });
    for (const order of [
      [1, 0, 2, 255],
      [0, 1, 255],
    ])
      expect(parseIsoDescriptor(buildHead(order))).toMatchObject({ isBootable: true });
    expect(parseIsoDescriptor(buildHead([0, 1, 255], { bootId: 'SOMETHING ELSE' }))).toMatchObject({ isBootable: false });
    expect(parseIsoDescriptor(buildHead([1, 255], { label: '' }))).toEqual({ isBootable: false, spaceSize: 0xffff_ffff * SECTOR });
  });

  test('behind their end are not read, nor more than a disc has', () => {
    expect(parseIsoDescriptor(buildHead([1, 255, 0]))).toMatchObject({ isBootable: false });
    expect(parseIsoDescriptor(Buffer.concat([buildHead(Array.from({ length: 16 }, () => 1)), buildHead([])]))).toMatchObject({ label: 'LABEL' });
  });

  test('have names that can be shown', () => {
    expect(parseIsoDescriptor(buildHead([1], { label: 'A\u001b[2J\u0000B' })).label).toBe('A [2J B');
  });

  test('that are not there, cut short or impossible are refused', async () => {
    for (const head of [
      new Uint8Array(0),
      new Uint8Array(ISO_HEAD_SIZE),
      buildHead([1]).subarray(0, 17 * SECTOR - 1),
      buildHead([255, 1]),
      buildHead([0, 2, 3]),
      buildHead([1], { blockSize: 0 }),
      buildHead([1], { blockSize: 4096 }),
    ])
      await refuse(head);
  });
});

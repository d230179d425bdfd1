import { expect, test } from 'vitest';
import { imageFormats } from './image.ts';
import { fromQemuName, toQemuName } from './qemu-name.ts';

test('every format has a name at QEMU by which it is known again', () => {
  for (const format of imageFormats) expect(fromQemuName(toQemuName(format))).toBe(format);
});

test('our own name of a VHD is none of theirs, and neither is a format that we do not know', () => {
  expect(toQemuName('vhd')).toBe('vpc');
  expect([fromQemuName('vhd'), fromQemuName('qed'), fromQemuName(undefined)]).toEqual([undefined, undefined, undefined]);
});

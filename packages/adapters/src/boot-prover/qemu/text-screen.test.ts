import { expect, test } from 'vitest';
import { isTextMode, parseTextMemory } from './text-screen.ts';

test('characters are read without their colours, frames and empty lines', () => {
  const memory = Buffer.alloc(160 * 3);
  [...'No bootable device.'].forEach((letter, at) => memory.set([letter.charCodeAt(0), 0x07], at * 2));
  memory.set([0xc9, 0x1f, 0x41, 0x1f], 320);
  expect(parseTextMemory(memory)).toEqual(['No bootable device.', ' A']);
});

test('half of a line is left out', () => {
  expect(parseTextMemory(Buffer.alloc(161, 0x41))).toEqual(['A'.repeat(80)]);
});

test('text mode is known by the size of the picture', () => {
  expect([isTextMode({ width: 720, height: 400 }), isTextMode({ width: 1280, height: 800 })]).toEqual([true, false]);
});

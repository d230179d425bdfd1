import { expect, test } from 'vitest';
import { checksum } from './directory.ts';
import { isStorable, ShortNames } from './names.ts';

test.each([
  ['README', { short: 'README     ' }],
  ['NOTES.TXT', { short: 'NOTES   TXT' }],
  ['notes.txt', { short: 'NOTES~1 TXT', long: 'notes.txt' }],
  ['package-lock.json', { short: 'PACKAG~1JSO', long: 'package-lock.json' }],
  ['a.test.ts', { short: 'A_TEST~1TS ', long: 'a.test.ts' }],
  ['.npmrc', { short: 'NPMRC~1    ', long: '.npmrc' }],
  ['with space.md', { short: 'WITHSP~1MD ', long: 'with space.md' }],
  ['grün+1.txt', { short: 'GR_N_1~1TXT', long: 'grün+1.txt' }],
])('%s alone in its folder', (name, names) => {
  expect(new ShortNames().take(name)).toEqual(names);
});

test('names that look alike when short are numbered, and the number takes the room it needs', () => {
  const short = new ShortNames();
  const names = Array.from({ length: 1200 }, (_, at) => short.take(`block-source-${at}.ts`).short);
  expect(new Set(names).size).toBe(1200);
  expect(names.every((name) => name.length === 11)).toBe(true);
  expect([names[0], names[9], names[99], names[999]]).toEqual(['BLOCK-~1TS ', 'BLOCK~10TS ', 'BLOC~100TS ', 'BLO~1000TS ']);
});

test('a name that is short by itself is not given away twice', () => {
  const short = new ShortNames();
  expect(short.take('readme~1').short).toBe('README~1   ');
  expect(short.take('README~1')).toEqual({ short: 'README~2   ', long: 'README~1' });
});

test.each(['', 'a:b', 'what?', 'a/b', 'tab\there', 'dot.', 'space ', ' first', 'x'.repeat(256)])('%j is no name on FAT', (name) => {
  expect(isStorable(name)).toBe(false);
});

test.each(['a', '.hidden', 'package-lock.json', '日本語.txt', 'x'.repeat(255)])('%j can be stored', (name) => {
  expect(isStorable(name)).toBe(true);
});

test('the checksum ties a long name to its short one', () => {
  // Worked out by hand for a name of one character: ten spaces rotate and add after it.
  const byHand = [0x41, ...Array<number>(10).fill(0x20)].reduce((sum, byte) => (((sum >> 1) | (sum << 7)) + byte) & 0xff, 0);
  expect(checksum('A          ')).toBe(byHand);
  expect(checksum('A          ')).not.toBe(checksum('          A'));
});

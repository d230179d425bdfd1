import { expect, test } from 'vitest';
import { SerialLog } from './serial-log.ts';

const textOf = (log: SerialLog): string => new TextDecoder().decode(log.bytes());

test('what a guest writes comes back whole, over any pieces', () => {
  const log = new SerialLog();
  for (const piece of ['one', '', ' two', ' three']) log.append(Buffer.from(piece));
  expect(textOf(log)).toBe('one two three');
});

test('of very much the beginning and the end stay, and the gap is marked', () => {
  const log = new SerialLog();
  log.append(Buffer.from('begin'));
  for (let count = 0; count < 100; count += 1) log.append(Buffer.alloc(64 * 1024, 0x2e));
  log.append(Buffer.from('end'));
  const text = textOf(log);
  expect(text.length).toBeLessThanOrEqual(1024 * 1024 + 5);
  expect([text.startsWith('begin.'), text.endsWith('.end'), text.includes('\n[…]\n')]).toEqual([true, true, true]);
});

test('what just fits has no gap', () => {
  const log = new SerialLog();
  log.append(Buffer.alloc(1024 * 1024, 0x2e));
  expect(textOf(log)).not.toContain('[…]');
});

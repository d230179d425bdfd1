import { expect, test } from 'vitest';
import { bytesSpan } from '../span.ts';
import { buildHive, windowsHive } from './build-hive.ts';
import { openHive, type HiveKey } from './hive.ts';

const CURRENT = ['microsoft', 'WINDOWS NT', 'currentversion'];
const walk = (bytes: Buffer): HiveKey | undefined => CURRENT.reduce<HiveKey | undefined>((key, name) => key?.child(name), openHive(bytesSpan(bytes)));

test('keys and values are found whatever the case of their names', () => {
  const key = walk(windowsHive({ ProductName: 'Windows 10 Pro' }));
  expect(key?.text('PRODUCTNAME')).toBe('Windows 10 Pro');
  expect(key?.text('absent')).toBeUndefined();
  expect(key?.child('absent')).toBeUndefined();
});

test('a key among five thousand is found', () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`Key${index}`, {}]));
  expect(
    openHive(bytesSpan(buildHive({ ...many, Last: { Value: 'text' } })))
      .child('Last')
      ?.text('value'),
  ).toBe('text');
});

test('every byte of a small hive may be wrong without anything but a refusal or an answer', () => {
  const whole = windowsHive({ ProductName: 'Windows' });
  for (let at = 4096; at < 4096 + 1200; at += 1) {
    for (const value of [0x00, 0x7f, 0x80, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(value, at);
      try {
        walk(bytes)?.text('ProductName');
      } catch (error) {
        expect(error).toMatchObject({ code: 'image/malformed' });
      }
    }
  }
});

import { expect, test } from 'vitest';
import { parseVmx } from './vmx.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('settings are read by their name in lower case, the last one counts', () => {
  const settings = parseVmx(
    bytes('#!/usr/bin/vmware\r\n\r\n.encoding = "UTF-8"\r\nDisplayName = "a"\nmemsize=512\n displayname = "b"\nempty = ""\n'),
  );
  expect(Object.fromEntries(settings)).toEqual({ '.encoding': 'UTF-8', displayname: 'b', memsize: '512', empty: '' });
});

test('bars stand for bytes', () => {
  expect(parseVmx(bytes('a = "|22quoted|22 |7C |zz"')).get('a')).toBe('"quoted" | |zz');
});

test('the encoding that is named is used', () => {
  expect(parseVmx(Uint8Array.of(...bytes('.encoding = "windows-1252"\na = "'), 0xe4, 0x22)).get('a')).toBe('ä');
});

test.each([
  ['a line that is no setting', bytes('displayName "a"')],
  ['a quote that is not closed', bytes('displayName = "a')],
  ['a NUL in a name', bytes('a\0b = "c"')],
  ['bytes that are not in its encoding', Uint8Array.of(...bytes('a = "'), 0xff, 0x22)],
  ['an unknown encoding', bytes('.encoding = "klingon"\n')],
  ['too many lines', bytes('a = "b"\n'.repeat(30_000))],
  ['a line without end', bytes(`a = "${'x'.repeat(20_000)}"`)],
])('%s is refused', (_, content) => {
  expect(() => parseVmx(content)).toThrow(/This VMX file is refused/);
});

test('a long hostile line costs little', () => {
  const begun = performance.now();
  for (const line of [`a${' '.repeat(16_000)}`, `a =${' '.repeat(16_000)}x"`, `a = ${'x '.repeat(8000)}"`])
    expect(() => parseVmx(bytes(line))).toThrow(/refused/);
  expect(performance.now() - begun).toBeLessThan(500);
});

import { describe, expect, test } from 'vitest';
import { countParser, parseCompression, parsePath, parsePercent, parseSize } from './parsers.ts';

test('sizes are powers of 1024 and at least one byte', () => {
  expect([parseSize('50M'), parseSize('1.5GiB'), parseSize('4096')]).toEqual([52_428_800, 1_610_612_736, 4096]);
  for (const wrong of ['0', '-1', 'fast', '', '5x']) expect(() => parseSize(wrong)).toThrow('such as');
});

test('counts stay within their bounds', () => {
  const parse = countParser({ min: 1, max: 64 });
  expect([parse('1'), parse('64')]).toEqual([1, 64]);
  for (const wrong of ['0', '65', '1.5', '1e1', ' 1', '']) expect(() => parse(wrong)).toThrow('from 1 to 64');
});

test('a share is full or a percentage', () => {
  expect([parsePercent('full'), parsePercent('10%'), parsePercent('7')]).toEqual([100, 10, 7]);
  for (const wrong of ['0%', '101%', 'half', '1.5%']) expect(() => parsePercent(wrong)).toThrow('percentage');
});

describe('compression', () => {
  test('is a name with an optional level', () => {
    expect(parseCompression('none')).toEqual({ compression: 'none' });
    expect(parseCompression('zlib')).toEqual({ compression: 'zlib' });
    expect(parseCompression('zstd:19')).toEqual({ compression: 'zstd', compressionLevel: 19 });
  });

  test('refuses levels its codec does not know', () => {
    expect(() => parseCompression('zlib:10')).toThrow('from 1 to 9');
    expect(() => parseCompression('zstd:23')).toThrow('from 1 to 22');
    for (const wrong of ['lz4', 'none:1', 'zstd:', 'zstd:fast']) expect(() => parseCompression(wrong)).toThrow('none, zlib or zstd');
  });
});

test('a path is not an address, and says which commands take one', () => {
  for (const path of ['disk.qcow2', './a:b', 'C:/disk', '-', 'http:/x']) expect(parsePath(path)).toBe(path);
  for (const wrong of ['nbd://host/x', 'NBD+unix:///?socket=s', 'https://host/x.qcow2'])
    expect(() => parsePath(wrong)).toThrow('export, convert, inspect, compare, serve and boot');
  expect(() => parsePath('')).toThrow('empty');
});

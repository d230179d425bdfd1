import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JoinedFile } from './joined-file.ts';
import { findFirstVolume, findVolumes, volumeNames } from './volume-names.ts';

let folder = '';
const content = randomBytes(10_000);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'joined-'));
  for (const [index, at] of [0, 4000, 8000].entries()) writeFileSync(join(folder, `disk.00${index + 1}`), content.subarray(at, at + 4000));
});
afterAll(() => rmSync(folder, { recursive: true }));

const open = (): JoinedFile => {
  const first = join(folder, 'disk.001');
  return JoinedFile.open([first, ...findVolumes(first)]);
};

describe('volumes of a file', () => {
  test('read as the file that they were', () => {
    using file = open();
    expect(file.size).toBe(content.length);
    fc.assert(
      fc.property(fc.nat(content.length), fc.nat(content.length), (a, b) => {
        const piece = Buffer.alloc(Math.abs(a - b));
        file.read(Math.min(a, b), piece);
        expect(piece.equals(content.subarray(Math.min(a, b), Math.max(a, b)))).toBe(true);
      }),
    );
  });

  test('are told from a file that only ends in a number', () => {
    expect(findFirstVolume(join(folder, 'disk.002'))).toBe(join(folder, 'disk.001'));
    expect(findFirstVolume(join(folder, 'disk.001'))).toBeUndefined();
    expect(findFirstVolume(join(folder, 'other.002'))).toBeUndefined();
  });

  test('tile as one file', () => {
    using file = open();
    let at = 1000;
    for (const { offset, length } of file.extents({ offset: 1000, length: 8500 })) {
      expect(offset).toBe(at);
      at += length;
    }
    expect(at).toBe(9500);
  });

  test('say that one may be missing when they end too early', () => {
    using file = open();
    expect(() => file.read(9_999, new Uint8Array(2))).toThrow('one may be missing');
  });

  test('are found behind a first one only, and none may be missing between them', () => {
    expect(findVolumes(join(folder, 'disk.001'))).toHaveLength(2);
    expect(findVolumes(join(folder, 'disk.002'))).toEqual([]);
    for (const number of [1, 2, 5]) writeFileSync(join(folder, `gap.00${number}`), '');
    expect(() => findVolumes(join(folder, 'gap.001'))).toThrow('gap.003 is missing');
  });

  test('are named in the order in which a shell joins them', () => {
    const names = volumeNames('a.raw.001', { virtualSize: 100 * 1024 ** 3, volumeSize: 1024 ** 3 });
    expect(names.slice(0, 2)).toEqual(['a.raw.002', 'a.raw.003']);
    expect(names.toSorted()).toEqual(names);
    expect(() => volumeNames('a.raw.001', { virtualSize: 1024 ** 4, volumeSize: 1024 ** 2 })).toThrow('more than 999');
  });
});

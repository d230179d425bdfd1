import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTarget, type TargetPaths } from './target-file.ts';

describe('several files under one row of offsets', () => {
  let folder = '';
  let place: TargetPaths = { path: '' };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'file-set-'));
    const paths = ['a', 'b', 'c'].map((name) => join(folder, name));
    place = { path: join(folder, 'disk'), parts: { span: 10, paths, names: ['a', 'b', 'c'] } };
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const contents = (): readonly string[] => ['a', 'b', 'c', 'disk'].map((name) => readFileSync(join(folder, name), 'latin1'));

  test('are written and read across their borders', () => {
    using set = openTarget(place, 'create');
    set.write(8, Buffer.from('0123456789abcdefgh'));
    expect(contents()).toEqual(['\0'.repeat(8) + '01', '23456789ab', 'cdefgh', '']);
    const into = Buffer.alloc(6);
    set.read(17, into);
    expect(into.toString()).toBe('9abcde');
    set.write(30, Buffer.from('the last'));
    expect(contents()[3]).toBe('the last');
  });

  test('are cut where the last byte lies: those behind become empty, those before keep their length', () => {
    using set = openTarget(place, 'create');
    set.write(0, Buffer.from('0123'));
    set.write(10, Buffer.alloc(20, 'x'));
    set.truncate(20);
    expect(contents().map(({ length }) => length)).toEqual([4, 10, 0, 0]);
    set.truncate(13);
    set.truncate(10);
    expect(contents().map(({ length }) => length)).toEqual([10, 0, 0, 0]);
  });

  test('tell which file holds an offset, and how much of it follows there', () => {
    using set = openTarget(place, 'create');
    expect(set.locate(14)).toMatchObject({ fileOffset: 4, length: 6, fd: set.files[1]?.fd });
    expect(set.files.map(({ path }) => path)).toEqual([...(place.parts?.paths ?? []), place.path]);
  });

  test('are not made when one of the names is taken, and the others are left out too', () => {
    writeFileSync(join(folder, 'c'), 'mine');
    expect(() => openTarget(place, 'create')).toThrow(expect.objectContaining({ code: 'target/exists' }));
    expect(readdirSync(folder)).toEqual(['c']);
  });

  test('are joined by movers with few of them open at a time', () => {
    const paths = Array.from({ length: 50 }, (_, index) => join(folder, `part${index}`));
    const many: TargetPaths = { path: join(folder, 'disk'), parts: { span: 10, paths, names: [] } };
    openTarget(many, 'create')[Symbol.dispose]();
    using set = openTarget(many, 'join');
    const before = readdirSync('/proc/self/fd').length;
    for (let index = 0; index < 50; index += 1) set.write(index * 10, Buffer.from([index]));
    expect(readdirSync('/proc/self/fd').length - before).toBeLessThan(10);
    expect(paths.map((path) => readFileSync(path)[0])).toEqual(paths.map((_, index) => index));
  });

  test('are synced where something was written, by whomever', async () => {
    using set = openTarget(place, 'create');
    using other = openTarget(place, 'join');
    other.write(12, Buffer.from('b'));
    set.write(0, Buffer.from('a'));
    await set.sync({ offset: 12, length: 1 });
    expect(statSync(join(folder, 'b')).size).toBe(3);
  });
});

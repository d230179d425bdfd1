import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adoptPartial, allPartials, findPartials, markSuspect, partialFiles } from './partial-files.ts';

describe('partial files', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'partial-'));
    path = join(folder, 'disk-0.qcow2');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const make = (epoch: number): void => {
    writeFileSync(partialFiles(path, epoch).image, 'settled bytes, and more');
    writeFileSync(partialFiles(path, epoch).checkpoint, 'checkpoint');
  };

  test('are found by exact name only', () => {
    make(3);
    for (const name of ['disk-0.qcow2', 'disk-0.qcow2.partial.x', 'disk-0.qcow2.partial.', 'disk-00.qcow2.partial.4', 'disk-0.qcow2.partial.5.bak'])
      writeFileSync(join(folder, name), '');
    const found = findPartials(path);
    expect(found.epochMax).toBe(3);
    expect(found.image).toEqual({ path: `${path}.partial.3`, isSuspect: false });
    expect(found.all).toHaveLength(2);
  });

  test('are given up from the checkpoint on, so that no kill leaves one without what it tells of', () => {
    make(1);
    make(2);
    writeFileSync(`${path}.partial.2.part1`, '');
    const isCheckpoint = (name: string): boolean => name.endsWith('.checkpoint');
    expect(findPartials(path).all.map(isCheckpoint)).toEqual([true, true, false, false, false]);
    expect(
      allPartials(partialFiles(path, 1, 3))
        .map(isCheckpoint)
        .indexOf(true),
    ).toBe(0);
  });

  test('a dead owner’s file is taken over under a new name', () => {
    make(1);
    const inode = statSync(partialFiles(path, 1).image).ino;
    adoptPartial(findPartials(path), partialFiles(path, 2), { mode: 'rename', end: 13 });
    expect(readdirSync(folder).toSorted()).toEqual(['disk-0.qcow2.partial.2', 'disk-0.qcow2.partial.2.checkpoint']);
    expect(statSync(partialFiles(path, 2).image).ino).toBe(inode);
  });

  test('from an owner that may live, only the settled bytes and the checkpoint are taken, into new files', () => {
    make(1);
    const inode = statSync(partialFiles(path, 1).image).ino;
    const owners = openSync(partialFiles(path, 1).checkpoint, 'r+');
    adoptPartial(findPartials(path), partialFiles(path, 2), { mode: 'copy', end: 13 });
    expect(statSync(partialFiles(path, 2).image).ino).not.toBe(inode);
    expect(readFileSync(partialFiles(path, 2).image, 'utf8')).toBe('settled bytes');
    expect(readdirSync(folder).toSorted()).toEqual(['disk-0.qcow2.partial.2', 'disk-0.qcow2.partial.2.checkpoint']);
    writeSync(owners, 'the owner goes on', 0);
    closeSync(owners);
    expect(readFileSync(partialFiles(path, 2).checkpoint, 'utf8')).toBe('checkpoint');
  });

  test('a kill between the two renames is mended by the next attempt', () => {
    make(1);
    const found = findPartials(path);
    writeFileSync(partialFiles(path, 2).image, 'settled bytes, and more');
    rmSync(partialFiles(path, 1).image);
    const again = findPartials(path);
    expect(again.image?.path).toBe(`${path}.partial.2`);
    expect(again.checkpoint).toBe(found.checkpoint);
    adoptPartial(again, partialFiles(path, 3), { mode: 'rename', end: 13 });
    expect(readdirSync(folder).toSorted()).toEqual(['disk-0.qcow2.partial.3', 'disk-0.qcow2.partial.3.checkpoint']);
  });

  test('a file whose sync failed is known as such', () => {
    make(1);
    markSuspect(partialFiles(path, 1));
    expect(findPartials(path).image).toEqual({ path: `${path}.partial.1.suspect`, isSuspect: true });
    // The failure that is being told must not be replaced by another one.
    expect(() => markSuspect(partialFiles(path, 7))).not.toThrow();
  });
});

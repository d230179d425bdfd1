import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEAF_SIZE } from '@hypersdk/domain';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LeafList, writeLeafList, type LeafListHeader } from './leaf-list.ts';

const HEADER: LeafListHeader = {
  version: 1,
  content: { algorithm: 'sha256', leafSize: LEAF_SIZE, virtualSize: 40_000 * LEAF_SIZE, root: 'ab'.repeat(32) },
  containerDigest: 'cd'.repeat(32),
  fileSize: 12,
  identity: { sourceMark: 'files:1', virtualSize: 40_000 * LEAF_SIZE, format: 'raw', plan: '{}', digest: 'tree' },
  leavesChecked: 3,
};

function* leaves(count: number): Generator<{ leaf: number; digest: Uint8Array }> {
  for (let leaf = 0; leaf < count; leaf += 1) yield { leaf: leaf + (leaf % 2), digest: new Uint8Array(32).fill(leaf % 251) };
}

describe('a leaf list', () => {
  let path = '';
  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), 'leaves-')), 'x.leaves');
  });
  afterEach(() => rmSync(join(path, '..'), { recursive: true }));

  test('is read by nobody who may not read the image', () => {
    writeLeafList(path, HEADER, []);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('comes back as it was written, more than one chunk of it', () => {
    const entries = [...leaves(31_000)].filter((_, index) => index % 2 === 0);
    writeLeafList(path, HEADER, entries);
    using list = LeafList.open(path);
    expect(list.header).toEqual(HEADER);
    let at = 0;
    for (const { leaf, digest } of list.entries()) {
      expect(leaf).toBe(entries[at]?.leaf);
      expect(digest[0]).toBe(entries[at]?.digest[0]);
      at += 1;
    }
    expect(at).toBe(entries.length);
  });

  test('finds one leaf among many, and none where there are zeros', () => {
    const entries = [...leaves(31_000)].filter((_, index) => index % 2 === 0);
    writeLeafList(path, HEADER, entries);
    using list = LeafList.open(path);
    for (const entry of [entries[0], entries[7], entries[12_345], entries.at(-1)])
      expect(list.find(entry?.leaf ?? -1)).toEqual(Buffer.from(entry?.digest ?? []));
    for (const leaf of [1, 24_691, 39_999]) expect(list.find(leaf)).toBeUndefined();
  });

  test('refuses entries out of order, foreign files and cut headers', () => {
    writeLeafList(path, HEADER, [...leaves(4)].toReversed());
    using list = LeafList.open(path);
    expect(() => [...list.entries()]).toThrow(expect.objectContaining({ code: 'manifest/malformed' }));
    for (const bytes of [Buffer.from('something else entirely'), Buffer.alloc(0), readFileSync(path).subarray(0, 40)]) {
      writeFileSync(path, bytes);
      expect(() => LeafList.open(path)).toThrow(expect.objectContaining({ code: 'manifest/malformed' }));
    }
  });
});

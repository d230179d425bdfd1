import { endOf, MIB } from '@hypersdk/domain';
import { seededRandom } from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { leafDigest } from '../../digest/tree.ts';
import { PassingDigest } from './passing-digest.ts';

test.each([1, 2, 3, 4, 5, 6])('pieces in order, with gaps between them, have the digest of the leaf they are, seed %i', (seed) => {
  const random = seededRandom(seed);
  const start = seed * 4 * MIB;
  const leaf = new Uint8Array(1 + Math.floor(random() * MIB));
  const digest = new PassingDigest(start);
  for (let at = Math.floor(random() * 300_000); at < leaf.length;) {
    const piece = leaf.subarray(at, at + 1 + Math.floor(random() * 200_000));
    piece.fill(1 + Math.floor(random() * 255));
    digest.add(start + at, piece);
    at += piece.length + (random() < 0.5 ? 0 : Math.floor(random() * 200_000));
  }
  expect(Buffer.from(digest.finish(endOf({ offset: start, length: leaf.length })) ?? [])).toEqual(leafDigest(leaf));
});

test('a leaf of nothing but zeros has none', () => {
  expect(new PassingDigest(0).finish(MIB)).toBeUndefined();
});

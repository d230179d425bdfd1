import { LEAF_SIZE } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { zeroLeafDigest } from '../digest/tree.ts';
import type { LeafEntry } from './checkpoint-file.ts';
import { expectOfLink, mergeEntries } from './overlay-leaves.ts';
import { treeOf } from './leaf-list.ts';

const LEAVES = 12;
const SIZE = LEAVES * LEAF_SIZE;
const digestOf = (content: number): Buffer => (content === 0 ? zeroLeafDigest(LEAF_SIZE) : Buffer.alloc(32, content));

/** A disk as one number for each leaf, 0 for zeros. */
const disks = fc.array(fc.nat({ max: 3 }), { minLength: LEAVES, maxLength: LEAVES });
const listOf = (disk: readonly number[]): readonly LeafEntry[] =>
  disk.flatMap((content, leaf) => (content === 0 ? [] : [{ leaf, digest: digestOf(content) }]));
const changesOf = (before: readonly number[], now: readonly number[]): readonly LeafEntry[] =>
  now.flatMap((content, leaf) => (content === before[leaf] ? [] : [{ leaf, digest: digestOf(content) }]));

describe('leaves of an overlay', () => {
  test('after any number of increments the merged digests are those of the whole disk, and so is the root', () => {
    fc.assert(
      fc.property(fc.array(disks, { minLength: 2, maxLength: 6 }), (states) => {
        let list = listOf(states[0] ?? []);
        for (const [at, now] of states.entries()) {
          if (at > 0) list = [...mergeEntries(list, changesOf(states[at - 1] ?? [], now), SIZE)];
          expect(list).toEqual(listOf(now));
          expect(treeOf(SIZE, list)).toEqual(treeOf(SIZE, listOf(now)));
        }
      }),
    );
  });

  test('of a link exactly the leaves that differ have to be in its own image', () => {
    fc.assert(
      fc.property(disks, disks, (before, now) => {
        const needed = [...expectOfLink(listOf(before), listOf(now), SIZE)].filter(({ mayBeAbsent }) => !mayBeAbsent);
        expect(needed.map(({ leaf, digest }) => ({ leaf, digest }))).toEqual(changesOf(before, now));
      }),
    );
  });
});

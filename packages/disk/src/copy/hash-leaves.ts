import { type ContentDigest } from '@hypersdk/domain';
import type { BlockLocator } from '@hypersdk/ports';
import { TreeBuilder } from '../digest/tree.ts';
import { openLocator } from '../locator/open-locator.ts';
import type { LeafEntry } from './checkpoint-file.ts';
import type { Crew } from './crew.ts';
import type { LeafResult } from './messages.ts';
import { planLeaves, type PlannedLeaf } from './plan-leaves.ts';

export interface Hashing {
  readonly crew: Crew;
  readonly signal: AbortSignal;
  readonly source: BlockLocator;
  readonly virtualSize: number;
  readonly onLeaf?: (result: LeafResult) => void;
}

/** Root of the hash tree over a whole disk. */
export async function hashDisk(hashing: Hashing): Promise<ContentDigest> {
  const tree = new TreeBuilder(hashing.virtualSize);
  using image = openLocator(hashing.source);
  const leaves = planLeaves(image, { from: 0, virtualSize: Math.min(image.virtualSize, hashing.virtualSize) });
  await hashLeaves(hashing, leaves, (result) => {
    if (result.digest) tree.add(result.leaf, Buffer.from(result.digest));
  });
  return tree.finish();
}

/** Digests of the given leaves, in order. */
export async function hashLeaves(hashing: Hashing, leaves: Iterable<PlannedLeaf>, take: (result: LeafResult) => void): Promise<void> {
  await hashing.crew.run({ kind: 'hash', source: hashing.source, virtualSize: hashing.virtualSize }, leaves, {
    signal: hashing.signal,
    on: {
      done: (result) => {
        take(result);
        hashing.onLeaf?.(result);
      },
    },
  });
}

/**
 * Compares a disk with a list of leaf digests and answers the first leaf that differs. `only` picks the leaves to look at; without it, leaves that
 * hold data but are not in the list count as different too.
 */
export async function findWrongLeaf(
  hashing: Hashing,
  expected: Iterable<LeafEntry>,
  only?: (leaf: number) => boolean,
): Promise<{ readonly wrong?: number; readonly checked: number }> {
  let wrong: number | undefined;
  let checked = 0;
  const list = expected[Symbol.iterator]();
  let head = list.next();
  const judge = (leaf: number, digest: Uint8Array | undefined): void => {
    while (!head.done && head.value.leaf < leaf) {
      if (!only) wrong ??= head.value.leaf;
      head = list.next();
    }
    let wanted: Uint8Array | undefined;
    if (!head.done && head.value.leaf === leaf) {
      wanted = head.value.digest;
      head = list.next();
    }
    checked += 1;
    const isEqual = wanted === undefined || digest === undefined ? wanted === digest : Buffer.compare(wanted, digest) === 0;
    if (!isEqual) wrong ??= leaf;
  };
  using image = openLocator(hashing.source);
  const held = planLeaves(image, { from: 0, virtualSize: Math.min(image.virtualSize, hashing.virtualSize) });
  await hashLeaves(hashing, only ? held.filter((leaf) => leaf === 'searching' || only(leaf)) : held, (result) => judge(result.leaf, result.digest));
  judge(Number.POSITIVE_INFINITY, undefined);
  return { checked: checked - 1, ...(wrong === undefined ? {} : { wrong }) };
}

/** Picks `percent` of the leaves by their number and the root, so that the choice cannot be known before the content is. */
export function sampleBy(root: string, percent: number): (leaf: number) => boolean {
  const seed = Number.parseInt(root.slice(0, 8), 16);
  return (leaf) => (Math.imul(leaf ^ seed, 0x9e3779b1) >>> 0) % 100 < percent;
}

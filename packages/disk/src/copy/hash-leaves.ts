import { leafRange, type ContentDigest } from '@hypersdk/domain';
import type { BlockLocator, ParentImage } from '@hypersdk/ports';
import { TreeBuilder, zeroLeafDigest } from '../digest/tree.ts';
import { openLocator } from '../locator/open-locator.ts';
import type { LeafEntry } from './checkpoint-file.ts';
import type { Crew, RunOptions } from './crew.ts';
import type { LeafResult } from './messages.ts';
import { moversFor } from './movers-for.ts';
import { planLeaves, type PlannedLeaf } from './plan-leaves.ts';

export interface Hashing {
  readonly crew: Crew;
  readonly signal: AbortSignal;
  readonly source: BlockLocator;
  readonly virtualSize: number;
  /** The source only tells what differs from this: leaves that do not differ have no digest. */
  readonly parent?: ParentImage;
  /** Containers are hashed at the same time. */
  readonly yieldsToContainers?: boolean;
  /** As for a run. */
  readonly movers?: RunOptions['movers'];
  readonly onLeaf?: (result: LeafResult) => void;
}

/** Root of the hash tree over a whole disk. */
export async function hashDisk(hashing: Hashing): Promise<ContentDigest> {
  const tree = new TreeBuilder(hashing.virtualSize);
  using image = await openLocator(hashing.source, hashing);
  const leaves = planLeaves(image, { from: 0, virtualSize: Math.min(image.virtualSize, hashing.virtualSize) });
  await hashLeaves({ ...hashing, ...moversFor(image) }, leaves, (result) => {
    if (result.digest) tree.add(result.leaf, Buffer.from(result.digest));
  });
  return tree.finish();
}

/** Digests of the given leaves, in order. */
export async function hashLeaves(hashing: Hashing, leaves: Iterable<PlannedLeaf>, take: (result: LeafResult) => void): Promise<void> {
  const { source, virtualSize, parent, yieldsToContainers = false } = hashing;
  await hashing.crew.run({ kind: 'hash', source, virtualSize, yieldsToContainers, ...(parent ? { parent } : {}) }, leaves, {
    signal: hashing.signal,
    ...(hashing.movers === undefined ? {} : { movers: hashing.movers }),
    on: {
      done: (result) => {
        take(result);
        hashing.onLeaf?.(result);
      },
    },
  });
}

/** How much of a disk is looked at; `root` makes the choice of leaves. */
export interface Sample {
  readonly percent: number;
  readonly root: string;
}

/** A leaf as it should be. Zeros have a digest here when they have to be found on the disk as such. */
export interface ExpectedLeaf extends LeafEntry {
  /** The disk may as well hold nothing of its own there. */
  readonly mayBeAbsent?: boolean;
}

interface Comparison extends Sample {
  /** What only an overlay holds itself, and its recorded zeros with it; the whole disk when absent. */
  readonly overlay?: BlockLocator;
}

/**
 * Compares a disk with a list of leaf digests and answers the first leaf that differs. When all of it is looked at, leaves that hold data but are
 * not in the list count as different too. A leaf of the list that the disk holds nothing of is a lost one.
 */
export async function findWrongLeaf(
  hashing: Hashing,
  expected: Iterable<ExpectedLeaf>,
  o: Comparison,
): Promise<{ readonly wrong?: number; readonly checked: number }> {
  let wrong: number | undefined;
  let checked = 0;
  const list = expected[Symbol.iterator]();
  let head = list.next();
  const isWanted = sampleBy(o, head.done ? 0 : head.value.leaf);
  const skipTo = (leaf: number): void => {
    for (; !head.done && head.value.leaf < leaf; head = list.next()) {
      if (isWanted(head.value.leaf) && !head.value.mayBeAbsent) wrong ??= head.value.leaf;
    }
  };
  const judge = (leaf: number, digest: Uint8Array | undefined): void => {
    skipTo(leaf);
    const wanted = !head.done && head.value.leaf === leaf ? head.value.digest : undefined;
    if (wanted) head = list.next();
    checked += 1;
    const zeros = (): Uint8Array => zeroLeafDigest(leafRange(leaf, hashing.virtualSize).length);
    const isEqual = wanted === undefined ? digest === undefined && !o.overlay : Buffer.compare(wanted, digest ?? zeros()) === 0;
    if (!isEqual) wrong ??= leaf;
  };
  using image = await openLocator(o.overlay ?? hashing.source, hashing);
  const held = planLeaves(image, {
    from: 0,
    virtualSize: Math.min(image.virtualSize, hashing.virtualSize),
    zerosCount: o.overlay !== undefined,
  });
  const chosen = held.filter((leaf) => typeof leaf !== 'number' || isWanted(leaf));
  await hashLeaves({ ...hashing, ...moversFor(image) }, chosen, (result) => judge(result.leaf, result.digest));
  skipTo(Number.POSITIVE_INFINITY);
  return { checked, ...(wrong === undefined ? {} : { wrong }) };
}

/** Picks leaves by their number and the root, so that the choice cannot be known before the content is; and always the first that holds data. */
function sampleBy({ percent, root }: Sample, first: number): (leaf: number) => boolean {
  if (percent >= 100) return () => true;
  const seed = Number.parseInt(root.slice(0, 8), 16);
  return (leaf) => leaf === first || (Math.imul(leaf ^ seed, 0x9e3779b1) >>> 0) % 100 < percent;
}

import { leafRange } from '@hypersdk/domain';
import { zeroLeafDigest } from '../digest/tree.ts';
import type { LeafEntry } from './checkpoint-file.ts';
import type { ExpectedLeaf } from './hash-leaves.ts';

/** The digests of a whole disk: what changed, over what its parent holds. Zeros are left out. */
export function* mergeEntries(parent: Iterable<LeafEntry>, changed: Iterable<LeafEntry>, virtualSize: number): Generator<LeafEntry> {
  for (const { leaf, below, above } of side(parent, changed)) {
    const digest = above ?? below;
    if (digest && !isZeros({ leaf, digest }, virtualSize)) yield { leaf, digest };
  }
}

/** What of a link has to be found in its own image: every leaf that is not as in the parent. Another one may be there too, if it is right. */
export function* expectOfLink(parent: Iterable<LeafEntry>, whole: Iterable<LeafEntry>, virtualSize: number): Generator<ExpectedLeaf> {
  for (const { leaf, below, above } of side(parent, whole)) {
    const zeros = zeroLeafDigest(leafRange(leaf, virtualSize).length);
    const digest = above ?? zeros;
    yield { leaf, digest, mayBeAbsent: Buffer.compare(digest, below ?? zeros) === 0 };
  }
}

interface Side {
  readonly leaf: number;
  readonly below?: Uint8Array;
  readonly above?: Uint8Array;
}

/** Two lists side by side, in rising order. */
function* side(parent: Iterable<LeafEntry>, other: Iterable<LeafEntry>): Generator<Side> {
  const [belows, aboves] = [parent[Symbol.iterator](), other[Symbol.iterator]()];
  let below = belows.next();
  let above = aboves.next();
  while (!below.done || !above.done) {
    const leaf = Math.min(below.done ? Number.POSITIVE_INFINITY : below.value.leaf, above.done ? Number.POSITIVE_INFINITY : above.value.leaf);
    const isBelow = !below.done && below.value.leaf === leaf;
    const isAbove = !above.done && above.value.leaf === leaf;
    yield { leaf, ...(isBelow ? { below: below.value.digest } : {}), ...(isAbove ? { above: above.value.digest } : {}) };
    if (isBelow) below = belows.next();
    if (isAbove) above = aboves.next();
  }
}

const isZeros = ({ leaf, digest }: LeafEntry, virtualSize: number): boolean =>
  Buffer.compare(digest, zeroLeafDigest(leafRange(leaf, virtualSize).length)) === 0;

import { createHash } from 'node:crypto';
import { LEAF_SIZE, leafCount, leafRange } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafDigest, TreeBuilder, zeroLeafDigest } from './tree.ts';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 6962 §2.1 word for word: split at the largest power of two below n. */
function referenceRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (!first) return sha256();
  if (leaves.length === 1) return first;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Uint8Array.of(1), referenceRoot(leaves.slice(0, split)), referenceRoot(leaves.slice(split)));
}

/** Any digest serves as a leaf here; only the zero ones are computed by the builder itself. */
const madeUp = (index: number): Buffer => sha256(Buffer.from(`leaf ${index}`));

function rootOf(virtualSize: number, present: ReadonlySet<number>): string {
  const tree = new TreeBuilder(virtualSize);
  for (let leaf = 0; leaf < leafCount(virtualSize); leaf += 1) if (present.has(leaf)) tree.add(leaf, madeUp(leaf));
  return tree.finish().root;
}

describe('the hash tree', () => {
  test('a leaf is hashed behind a zero byte', () => {
    const content = Buffer.from('some content');
    expect(leafDigest(content)).toEqual(sha256(Uint8Array.of(0), content));
  });

  test('has the root of RFC 6962 whatever leaves are left out as zeros', () => {
    const shapes = fc.record({
      leaves: fc.integer({ min: 0, max: 70 }),
      tail: fc.integer({ min: 1, max: LEAF_SIZE }),
      present: fc.array(fc.nat(69)),
    });
    fc.assert(
      fc.property(shapes, ({ leaves, tail, present }) => {
        const virtualSize = leaves === 0 ? 0 : (leaves - 1) * LEAF_SIZE + tail;
        const set = new Set(present);
        const all = Array.from({ length: leaves }, (_, leaf) => (set.has(leaf) ? madeUp(leaf) : zeroLeafDigest(leafRange(leaf, virtualSize).length)));
        expect(rootOf(virtualSize, set)).toBe(referenceRoot(all).toString('hex'));
      }),
      { numRuns: 40 },
    );
  });

  test('an empty disk of 16 TiB takes no longer than its levels', () => {
    const started = performance.now();
    const digest = new TreeBuilder(16 * 1024 ** 4).finish();
    expect(digest.root).toMatch(/^[0-9a-f]{64}$/);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('refuses leaves out of order or past the end', () => {
    const tree = new TreeBuilder(3 * LEAF_SIZE);
    tree.add(1, madeUp(1));
    expect(() => tree.add(1, madeUp(1))).toThrow(/out of order/);
    expect(() => tree.add(3, madeUp(3))).toThrow(/out of order/);
  });
});

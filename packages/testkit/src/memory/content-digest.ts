import { createHash } from 'node:crypto';
import { LEAF_SIZE, leafCount, leafRange, type ContentDigest, type Sha256 } from '@hypersdk/domain';

/** Digest of a disk held in memory, written straight from RFC 6962 §2.1: what every faster way must agree with. */
export function contentDigest(content: Uint8Array): ContentDigest {
  return { algorithm: 'sha256', leafSize: LEAF_SIZE, virtualSize: content.length, root: rootOf(leavesOf(content)).toString('hex') };
}

/** Digests of all leaves in order. */
export const leafDigests = (content: Uint8Array): readonly Sha256[] => leavesOf(content).map((leaf) => leaf.toString('hex'));

function leavesOf(content: Uint8Array): readonly Buffer[] {
  return Array.from({ length: leafCount(content.length) }, (_, index) => {
    const { offset, length } = leafRange(index, content.length);
    return sha256(Uint8Array.of(0), content.subarray(offset, offset + length));
  });
}

function rootOf(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (!first) return sha256();
  if (leaves.length === 1) return first;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Uint8Array.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

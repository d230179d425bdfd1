import { createHash, hash, type Hash } from 'node:crypto';
import { LEAF_SIZE, leafCount, leafRange, type ContentDigest } from '@hypersdk/domain';

/** RFC 6962 §2.1: what is hashed before a leaf and before a node, so that neither can pass for the other. */
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** The digest of one leaf, to be given its content in order. */
export const beginLeafDigest = (): Hash => createHash('sha256').update(LEAF_PREFIX);

/** Digest of one leaf of disk content. */
export const leafDigest = (content: Uint8Array): Buffer => beginLeafDigest().update(content).digest();

const nodeDigest = (left: Uint8Array, right: Uint8Array): Buffer => hash('sha256', Buffer.concat([NODE_PREFIX, left, right]), 'buffer');

/** Digests of zero leaves by length: whole ones are shared by every disk, the short last one is made once. */
const zeroLeaves = new Map<number, Buffer>();

export function zeroLeafDigest(length: number): Buffer {
  const known = zeroLeaves.get(length);
  if (known) return known;
  const made = leafDigest(Buffer.alloc(length));
  // A short zero leaf is met at most once for each disk; keeping a few is enough.
  if (zeroLeaves.size < 16) zeroLeaves.set(length, made);
  return made;
}

interface Subtree {
  readonly level: number;
  readonly digest: Buffer;
}

/**
 * Builds the tree of RFC 6962 §2.1 leaf by leaf, holding one digest for each level. Leaves come in rising order; those left out are zeros,
 * and a run of them costs one step for each level, so that an empty 16 TiB disk is as quick as a small one.
 */
export class TreeBuilder {
  readonly #virtualSize: number;
  readonly #leafCount: number;
  readonly #zeroSubtrees: Buffer[] = [];
  #stack: Subtree[] = [];
  #next = 0;

  constructor(virtualSize: number) {
    this.#virtualSize = virtualSize;
    this.#leafCount = leafCount(virtualSize);
  }

  /** Takes the digest of leaf `index`, which lies above every leaf taken before. */
  add(index: number, digest: Buffer): void {
    if (index < this.#next || index >= this.#leafCount) throw new RangeError(`Leaf ${index} is out of order.`);
    this.#addZeros(index - this.#next);
    this.#push({ level: 0, digest });
    this.#next = index + 1;
  }

  finish(): ContentDigest {
    this.#addZeros(this.#leafCount - this.#next);
    this.#next = this.#leafCount;
    const root = this.#stack.reduceRight<Buffer | undefined>((right, left) => (right ? nodeDigest(left.digest, right) : left.digest), undefined);
    // RFC 6962 §2.1: the hash of an empty list is the hash of an empty string.
    const hex = (root ?? hash('sha256', '', 'buffer')).toString('hex');
    return { algorithm: 'sha256', leafSize: LEAF_SIZE, virtualSize: this.#virtualSize, root: hex };
  }

  #addZeros(count: number): void {
    let at = this.#next;
    let left = count;
    while (left > 0) {
      const { length } = leafRange(at, this.#virtualSize);
      const level = length < LEAF_SIZE ? 0 : this.#zeroLevelAt(at, left);
      this.#push({ level, digest: length < LEAF_SIZE ? zeroLeafDigest(length) : this.#zeroSubtree(level) });
      at += 2 ** level;
      left -= 2 ** level;
    }
  }

  /** The largest perfect subtree of whole zero leaves that may start at leaf `at`: aligned, and not longer than what is left. */
  #zeroLevelAt(at: number, left: number): number {
    const wholeLeaves = Math.floor(this.#virtualSize / LEAF_SIZE) - at;
    const room = Math.min(left, wholeLeaves);
    let level = 0;
    while (2 ** (level + 1) <= room && at % 2 ** (level + 1) === 0) level += 1;
    return level;
  }

  #zeroSubtree(level: number): Buffer {
    const known = this.#zeroSubtrees[level];
    if (known) return known;
    const below = level === 0 ? undefined : this.#zeroSubtree(level - 1);
    const made = below ? nodeDigest(below, below) : zeroLeafDigest(LEAF_SIZE);
    this.#zeroSubtrees[level] = made;
    return made;
  }

  #push(subtree: Subtree): void {
    let top = subtree;
    for (let below = this.#stack.at(-1); below?.level === top.level; below = this.#stack.at(-1)) {
      this.#stack.pop();
      top = { level: top.level + 1, digest: nodeDigest(below.digest, top.digest) };
    }
    this.#stack.push(top);
  }
}

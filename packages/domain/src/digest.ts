/** A leaf of the hash tree covers this many bytes of the disk as the guest sees it; the last leaf covers what is left. */
export const LEAF_SIZE = 4 * 1024 * 1024;

/** SHA-256 as 64 lower-case hexadecimal digits. */
export type Sha256 = string;

/**
 * Identifies the content of a disk whatever its container: the root of a SHA-256 tree over leaves of `leafSize` bytes in order,
 * with the domain separation of RFC 6962 §2.1 (0x00 before a leaf, 0x01 before a node). A short last leaf is hashed at its own length.
 */
export interface ContentDigest {
  readonly algorithm: 'sha256';
  readonly leafSize: number;
  readonly virtualSize: number;
  readonly root: Sha256;
}

export const leafCount = (virtualSize: number): number => Math.ceil(virtualSize / LEAF_SIZE);

/** The span of leaf `index` on a disk of `virtualSize` bytes. */
export function leafRange(index: number, virtualSize: number): { readonly offset: number; readonly length: number } {
  const offset = index * LEAF_SIZE;
  return { offset, length: Math.min(LEAF_SIZE, virtualSize - offset) };
}

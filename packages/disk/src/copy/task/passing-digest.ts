import type { Hash } from 'node:crypto';
import { beginLeafDigest } from '../../digest/tree.ts';

const ZEROS = Buffer.alloc(64 * 1024);

/** The digest of a leaf whose content comes in order, where what is left out is zeros. Leaves of nothing but zeros are not hashed at all. */
export class PassingDigest {
  #hash: Hash | undefined;
  #at: number;

  /** `offset`: where the leaf begins. */
  constructor(offset: number) {
    this.#at = offset;
  }

  /** Content that is not all zeros. */
  add(offset: number, bytes: Uint8Array): void {
    const hash = this.#zerosTo(offset);
    hash.update(bytes);
    this.#at = offset + bytes.length;
  }

  /** Undefined when every byte was zero. */
  finish(end: number): Uint8Array | undefined {
    return this.#hash && this.#zerosTo(end).digest();
  }

  #zerosTo(offset: number): Hash {
    this.#hash ??= beginLeafDigest();
    for (; this.#at < offset; this.#at = Math.min(offset, this.#at + ZEROS.length)) {
      this.#hash.update(ZEROS.subarray(0, Math.min(ZEROS.length, offset - this.#at)));
    }
    return this.#hash;
  }
}

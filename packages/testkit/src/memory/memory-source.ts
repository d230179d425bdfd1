import { HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { BlockSource, Cancel } from '@hypersdk/ports';

export interface MemorySourceOptions {
  readonly blockAlign?: number;
  /** What the content is said to be made of; without it everything is data. */
  readonly extents?: readonly Extent[];
}

/** A disk in memory: the reference for `BlockSource`. */
export class MemorySource implements BlockSource {
  readonly virtualSize: number;
  readonly blockAlign: number;
  readonly #content: Uint8Array;
  readonly #extents: readonly Extent[];

  constructor(content: Uint8Array, options: MemorySourceOptions = {}) {
    this.#content = content;
    this.virtualSize = content.length;
    this.blockAlign = options.blockAlign ?? 512;
    this.#extents = options.extents ?? [{ offset: 0, length: content.length, kind: 'data' }];
  }

  async *extents({ signal, range }: Cancel & { readonly range?: ByteRange }): AsyncGenerator<Extent> {
    const wanted = range ?? { offset: 0, length: this.virtualSize };
    for (const extent of this.#extents) {
      signal.throwIfAborted();
      const offset = Math.max(extent.offset, wanted.offset);
      const length = Math.min(extent.offset + extent.length, wanted.offset + wanted.length) - offset;
      if (length > 0) yield { offset, length, kind: extent.kind };
    }
  }

  async read(offset: number, into: Uint8Array, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    if (offset < 0 || offset + into.length > this.virtualSize) {
      throw new HyperError('source/unreadable', `The disk ends at byte ${this.virtualSize}, before byte ${offset + into.length}.`);
    }
    into.set(this.#content.subarray(offset, offset + into.length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Memory needs no closing.
  }
}

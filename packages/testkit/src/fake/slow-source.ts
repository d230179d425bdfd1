import { setTimeout as delay } from 'node:timers/promises';
import type { ByteRange, Extent } from '@hypersdk/domain';
import type { BlockSource, Cancel } from '@hypersdk/ports';

/** A source whose every read takes its time, however small it is; a cancelled one ends at once. */
export class SlowSource implements BlockSource {
  readonly #source: BlockSource;
  readonly #readMs: number;

  constructor(source: BlockSource, options: { readonly readMs: number }) {
    this.#source = source;
    this.#readMs = options.readMs;
  }

  get virtualSize(): number {
    return this.#source.virtualSize;
  }

  get blockAlign(): number {
    return this.#source.blockAlign;
  }

  extents(o: Cancel & { readonly range?: ByteRange }): AsyncIterable<Extent> {
    return this.#source.extents(o);
  }

  async read(offset: number, into: Uint8Array, o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    await delay(this.#readMs, undefined, { signal: o.signal }).catch(() => o.signal.throwIfAborted());
    await this.#source.read(offset, into, o);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }
}

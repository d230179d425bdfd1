import { HyperError, type ByteRange } from '@hypersdk/domain';
import type { BlockSink, Cancel } from '@hypersdk/ports';

/** A disk that is written into memory: the reference for `BlockSink`. */
export class MemorySink implements BlockSink {
  readonly virtualSize: number;
  readonly ordered: boolean;
  readonly #content: Uint8Array;
  #state: 'open' | 'finished' | 'gone' = 'open';
  #taken = 0;

  constructor(virtualSize: number, options: { readonly ordered?: boolean } = {}) {
    this.virtualSize = virtualSize;
    this.ordered = options.ordered ?? false;
    this.#content = new Uint8Array(virtualSize);
  }

  /** The finished disk; undefined before `finish` and after `abort`. */
  get content(): Uint8Array | undefined {
    return this.#state === 'finished' ? this.#content : undefined;
  }

  async write(offset: number, bytes: Uint8Array, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    this.#accept({ offset, length: bytes.length });
    this.#content.set(bytes, offset);
  }

  async zero(range: ByteRange, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    this.#accept(range);
    this.#content.fill(0, range.offset, range.offset + range.length);
  }

  async flush({ signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
  }

  async finish({ signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    if (this.#state === 'open') this.#state = 'finished';
  }

  async abort(): Promise<void> {
    this.#state = 'gone';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'open') await this.abort();
  }

  #accept({ offset, length }: ByteRange): void {
    if (this.#state !== 'open') throw new HyperError('target/unwritable', 'The disk is finished; nothing may be written any more.');
    if (offset < 0 || offset + length > this.virtualSize) {
      throw new HyperError('target/unwritable', `The disk ends at byte ${this.virtualSize}, before byte ${offset + length}.`);
    }
    if (!this.ordered) return;
    if (offset < this.#taken)
      throw new HyperError('target/unwritable', `Byte ${offset} comes after byte ${this.#taken}, but this disk is written in order.`);
    this.#taken = offset + length;
  }
}

import { HyperError } from '@hypersdk/domain';
import type { Cancel, SerialLine } from '@hypersdk/ports';

/** The line of a guest that answers each byte with the one after it. */
export class MemorySerialLine implements SerialLine {
  readonly #onSaid: (text: string) => void;
  readonly #said: Uint8Array[] = [];
  #failure: HyperError | undefined;
  #isOver = false;
  #wake: (() => void) | undefined;

  constructor(onSaid: (text: string) => void) {
    this.#onSaid = onSaid;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  async *received({ signal }: Cancel): AsyncGenerator<Uint8Array> {
    for (;;) {
      signal.throwIfAborted();
      const next = this.#said.shift();
      if (next) yield next;
      else if (this.#failure) throw this.#failure;
      else if (this.#isOver) return;
      else await this.#more(signal);
    }
  }

  async send(bytes: Uint8Array, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    if (this.#isOver) throw this.#failure ?? new HyperError('vm/wrong-state', 'The serial line is over.');
    const answer = bytes.map((byte) => byte + 1);
    this.#said.push(answer);
    this.#onSaid(Buffer.from(answer).toString('latin1'));
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  fail(reason: HyperError): void {
    this.#failure ??= reason;
    this.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }

  async #more(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }
}

import type { VMEvent } from '@hypersdk/domain';
import type { VMEvents } from '@hypersdk/ports';

/** What happened and was not taken yet, up to a limit. */
export class EventBuffer implements VMEvents {
  readonly #heldMax: number;
  readonly #release: () => void;
  readonly #held: VMEvent[] = [];
  #end: { readonly reason?: Error } | undefined;
  #wake: (() => void) | undefined;

  constructor({ heldMax, release }: { readonly heldMax: number; readonly release: () => void }) {
    this.#heldMax = heldMax;
    this.#release = release;
  }

  /** When there is no room, all that is held is given up for one gap: whoever looks again at the gap sees what all of it led to, this event included. */
  push(event: VMEvent): void {
    if (this.#end) return;
    if (this.#held.length < this.#heldMax) this.#held.push(event);
    else this.#held.splice(0, this.#held.length, { kind: 'gap', reason: 'overflow' });
    this.#wake?.();
  }

  /** Ends the iteration once what is held was taken; with a reason it fails. */
  end(reason?: Error): void {
    this.#end ??= reason === undefined ? {} : { reason };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<VMEvent> {
    for (;;) {
      const next = this.#held.shift();
      if (next) yield next;
      else if (this.#end?.reason) throw this.#end.reason;
      else if (this.#end) return;
      else await this.#more();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#release();
    this.#held.length = 0;
    this.end();
  }

  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
  }
}

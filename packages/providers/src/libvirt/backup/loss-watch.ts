import { setTimeout as delay } from 'node:timers/promises';
import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';

/** A person who ended a backup sees its export end while still looking; one call each time costs the daemon nothing. */
const EVERY_MS = 1000;

/** Looks after what is being read, and tells once it is gone. A source that cannot be asked now may be asked the next time. */
export class LossWatch implements AsyncDisposable {
  readonly #check: (o: Cancel) => Promise<void>;
  readonly #stop = new AbortController();
  readonly #lost = new AbortController();
  readonly #over: Promise<void>;

  constructor(check: (o: Cancel) => Promise<void>, everyMs = EVERY_MS) {
    this.#check = check;
    this.#over = this.#watch(everyMs);
  }

  /** Aborts with what the check failed with. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }

  async #watch(everyMs: number): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      const failure = await this.#look({ signal });
      if (failure && !signal.aborted) return this.#lost.abort(failure);
    }
  }

  async #look(o: Cancel): Promise<HyperError | undefined> {
    try {
      await this.#check(o);
      return undefined;
    } catch (error) {
      // Of its own the source says that it changed, or why it had to be ended; everything else is about the way to it.
      return error instanceof HyperError && error.code.startsWith('source/') ? error : undefined;
    }
  }
}

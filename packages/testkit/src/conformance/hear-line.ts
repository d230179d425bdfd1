import type { SerialLine } from '@hypersdk/ports';
import { expect } from 'vitest';

const LOOK_MS = 10;

/** Asks again until it is so, or for so long. */
export async function comesTrue(isSo: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const until = performance.now() + withinMs; ;) {
    if (await isSo()) return true;
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** What was heard of a line, and how it ended. */
export class HeardLine implements AsyncDisposable {
  text = '';
  end: { readonly reason?: unknown } | undefined;
  readonly #line: SerialLine;
  readonly #stop = new AbortController();
  readonly #listening: Promise<void>;

  constructor(line: SerialLine) {
    this.#line = line;
    this.#listening = this.#listen();
  }

  /** Settles when the guest has answered; a guest that is starting does not hear the first time. */
  async isAnswered(patienceMs: number): Promise<void> {
    const until = performance.now() + patienceMs;
    while (!this.text.includes('b')) {
      if (performance.now() > until) return expect.fail(`The guest does not answer; it said ${JSON.stringify(this.text)}.`);
      await this.#say('a');
      await comesTrue(() => this.text.includes('b'), Math.min(patienceMs, 500));
    }
    return undefined;
  }

  /** Says the text, and hears each letter's next in the same order. */
  async converses(text: string, patienceMs: number): Promise<void> {
    const answer = nextLetters(text);
    await this.#say(text);
    await comesTrue(() => this.text.endsWith(answer), patienceMs);
    expect(this.text.slice(-answer.length)).toBe(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#listening;
    await this.#line[Symbol.asyncDispose]();
  }

  async #say(text: string): Promise<void> {
    await this.#line.send(new TextEncoder().encode(text), { signal: this.#stop.signal });
  }

  async #listen(): Promise<void> {
    try {
      for await (const bytes of this.#line.received({ signal: this.#stop.signal })) this.text += new TextDecoder('latin1').decode(bytes);
      this.end = {};
    } catch (reason) {
      this.end = { reason };
    }
  }
}

const nextLetters = (text: string): string => String.fromCodePoint(...Array.from(text, (letter) => (letter.codePointAt(0) ?? 0) + 1));

import { seededRandom } from './seeded-random.ts';

/**
 * What goes wrong. `error`: the call rejects. `short`: only the first half is done, and the call settles as if all was well.
 * `corrupt`: one byte is wrong. `hang`: the call ends only when it is cancelled.
 */
export type Fault = { readonly kind: 'error'; readonly error: Error } | { readonly kind: 'short' | 'corrupt' | 'hang' };

/** When it goes wrong: at one call of the method, counted from 1, or at any with a probability. */
export interface FaultRule<Method extends string = string> {
  readonly method: Method;
  readonly when: { readonly nth: number } | { readonly probability: number };
  readonly fault: Fault;
}

/** Decides at each call whether it goes wrong. Equal rules and seeds decide equally. */
export class FaultPlan<Method extends string = string> {
  readonly #rules: readonly FaultRule<Method>[];
  readonly #random: () => number;
  readonly #calls = new Map<Method, number>();
  readonly #fired: number[];

  constructor(rules: readonly FaultRule<Method>[], seed = 1) {
    this.#rules = rules;
    this.#random = seededRandom(seed);
    this.#fired = rules.map(() => 0);
  }

  /** How often each rule has fired: a test that counts on a fault checks that it came. */
  get fired(): readonly number[] {
    return this.#fired;
  }

  /** Counts a call and answers the fault that it meets; the first rule that fits counts. */
  next(method: Method): Fault | undefined {
    const call = (this.#calls.get(method) ?? 0) + 1;
    this.#calls.set(method, call);
    const index = this.#rules.findIndex(
      (rule) => rule.method === method && ('nth' in rule.when ? rule.when.nth === call : this.#random() < rule.when.probability),
    );
    const rule = this.#rules[index];
    if (rule) this.#fired[index] = (this.#fired[index] ?? 0) + 1;
    return rule?.fault;
  }
}

/** Settles never, and rejects with the signal's reason when it is cancelled. */
export function hang({ signal }: { readonly signal: AbortSignal }): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason);
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}

/** The bytes with one of them wrong. */
export function corrupted(bytes: Uint8Array): Uint8Array {
  const wrong = bytes.slice();
  const middle = Math.floor(wrong.length / 2);
  wrong[middle] = (wrong[middle] ?? 0) ^ 0x10;
  return wrong;
}

/** What a long pause may save up: short enough that a limit of a shared line is kept over any second, long enough to make up for a late timer. */
const BURST_MS = 100;

const PAID_UNTIL = 0;
const RATE = 1;
const NANOS_PER_MS = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;

/**
 * A rate limit that several threads share through one buffer. Each take is booked behind those before it, so whoever comes first goes first and no thread starves.
 * It neither sleeps nor reads a clock: the caller passes the milliseconds since a moment that all threads agree on, and waits as long as it is told.
 */
export class Throttle {
  /** The moment, in nanoseconds, up to which the line is booked; and bytes a second. */
  readonly #state: BigInt64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#state = new BigInt64Array(memory);
  }

  /** Memory for the throttles of all threads: each makes its own from it. */
  static create(bytesPerSecond: number): SharedArrayBuffer {
    const memory = new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT);
    const state = new BigInt64Array(memory);
    Atomics.store(state, PAID_UNTIL, -BigInt(BURST_MS) * NANOS_PER_MS);
    Atomics.store(state, RATE, checkedRate(bytesPerSecond));
    return memory;
  }

  get bytesPerSecond(): number {
    return Number(Atomics.load(this.#state, RATE));
  }

  /** Books `bytes` and answers how many milliseconds to wait before they may go. */
  take(bytes: number, elapsedMs: number): number {
    const now = toNanos(elapsedMs);
    const rate = Atomics.load(this.#state, RATE);
    // Rounded up, so that many small takes do not slip past the rate.
    const cost = (BigInt(bytes) * NANOS_PER_SECOND + rate - 1n) / rate;
    const start = this.#book((paidUntil) => {
      const earliest = now - BigInt(BURST_MS) * NANOS_PER_MS;
      const begin = paidUntil > earliest ? paidUntil : earliest;
      return { begin, end: begin + cost };
    });
    return start > now ? Number(start - now) / Number(NANOS_PER_MS) : 0;
  }

  /** What is booked but not yet due is stretched or shrunk to the new rate. Threads already waiting keep the wait they were told. */
  setRate(bytesPerSecond: number, elapsedMs: number): void {
    const now = toNanos(elapsedMs);
    const after = checkedRate(bytesPerSecond);
    const before = Atomics.exchange(this.#state, RATE, after);
    this.#book((paidUntil) => {
      const due = paidUntil - now;
      return { begin: paidUntil, end: due > 0n ? now + (due * before) / after : paidUntil };
    });
  }

  /** Replaces the booked moment in one step. Tries again only when another thread booked in between, so some thread always gets on. */
  #book(change: (paidUntil: bigint) => { readonly begin: bigint; readonly end: bigint }): bigint {
    for (;;) {
      const paidUntil = Atomics.load(this.#state, PAID_UNTIL);
      const { begin, end } = change(paidUntil);
      if (Atomics.compareExchange(this.#state, PAID_UNTIL, paidUntil, end) === paidUntil) return begin;
    }
  }
}

const toNanos = (ms: number): bigint => BigInt(Math.round(ms * Number(NANOS_PER_MS)));

function checkedRate(bytesPerSecond: number): bigint {
  if (!Number.isSafeInteger(bytesPerSecond) || bytesPerSecond < 1) throw new RangeError(`A rate of ${bytesPerSecond} bytes a second is no rate.`);
  return BigInt(bytesPerSecond);
}

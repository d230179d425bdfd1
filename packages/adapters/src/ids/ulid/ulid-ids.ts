// The ULID specification (github.com/ulid/spec): 48 bits of milliseconds, 80 bits of chance, in Crockford's base32.
import { randomBytes } from 'node:crypto';
import type { Clock, Ids } from '@hypersdk/ports';

/** Crockford's base32 leaves out I, L, O and U. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 26;
const RANDOM_BYTES = 10;
const RANDOM_BITS = 80n;
const RANDOM_END = 1n << RANDOM_BITS;

/** Ids that sort by time, and within one process strictly: in the same millisecond, or when the clock was set back, the last id is counted up. */
export class UlidIds implements Ids {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #random: (size: number) => Uint8Array;
  #time = -1;
  #chance = 0n;

  constructor(clock: Pick<Clock, 'now'>, random: (size: number) => Uint8Array = randomBytes) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): string {
    const now = this.#clock.now();
    if (now > this.#time) this.#begin(now);
    else if (this.#chance + 1n < RANDOM_END) this.#chance += 1n;
    // 2^80 ids in a millisecond: the next millisecond is borrowed.
    else this.#begin(this.#time + 1);
    return toBase32((BigInt(this.#time) << RANDOM_BITS) | this.#chance);
  }

  #begin(time: number): void {
    this.#time = time;
    this.#chance = BigInt(`0x${Buffer.from(this.#random(RANDOM_BYTES)).toString('hex')}`);
  }
}

function toBase32(value: bigint): string {
  let rest = value;
  let text = '';
  while (text.length < LENGTH) {
    text = DIGITS.charAt(Number(rest & 31n)) + text;
    rest >>= 5n;
  }
  return text;
}

import type { Ids } from '@hypersdk/ports';

/** Crockford's base32 leaves out I, L, O and U. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 26;

/** Ids that count up, so that a run can be repeated exactly. Generators that must not meet get `series` of their own. */
export class SequentialIds implements Ids {
  readonly #series: number;
  #count = 0;

  constructor(series = 0) {
    this.#series = series;
  }

  next(): string {
    this.#count += 1;
    return toBase32(this.#count, LENGTH / 2) + toBase32(this.#series, LENGTH / 2);
  }
}

function toBase32(value: number, length: number): string {
  let rest = value;
  let text = '';
  while (text.length < length) {
    text = (DIGITS[rest % DIGITS.length] ?? '') + text;
    rest = Math.floor(rest / DIGITS.length);
  }
  return text;
}

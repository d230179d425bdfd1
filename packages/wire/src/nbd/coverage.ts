/** Which parts of a request were answered. Parts in order, the usual case, cost nothing; others are kept sorted. */
export class Coverage {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** False when some of it was covered before. */
  add(start: number, end: number): boolean {
    const index = this.#indexAfter(start);
    if (index > 0 && (this.#ends[index - 1] ?? 0) > start) return false;
    if (index < this.#starts.length && (this.#starts[index] ?? 0) < end) return false;
    const joinsBefore = index > 0 && this.#ends[index - 1] === start;
    const joinsAfter = index < this.#starts.length && this.#starts[index] === end;
    if (joinsBefore && joinsAfter) {
      this.#ends[index - 1] = this.#ends[index] ?? end;
      this.#starts.splice(index, 1);
      this.#ends.splice(index, 1);
    } else if (joinsBefore) this.#ends[index - 1] = end;
    else if (joinsAfter) this.#starts[index] = start;
    else {
      this.#starts.splice(index, 0, start);
      this.#ends.splice(index, 0, end);
    }
    return true;
  }

  /** Whether all of [0, end) is covered. */
  covers(end: number): boolean {
    return this.#starts.length === 1 && this.#starts[0] === 0 && this.#ends[0] === end;
  }

  /** The number of parts that start at or before `start`. */
  #indexAfter(start: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

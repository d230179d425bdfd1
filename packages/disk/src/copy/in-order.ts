/** Takes numbered things as they come and hands them on in the order of their numbers, from 0. Holds only what came early. */
export class InOrder<T> {
  readonly #early = new Map<number, T>();
  readonly #take: (thing: T) => void;
  #next = 0;

  constructor(take: (thing: T) => void) {
    this.#take = take;
  }

  /** Numbers handed on so far. */
  get count(): number {
    return this.#next;
  }

  add(sequence: number, thing: T): void {
    this.#early.set(sequence, thing);
    for (let ready = this.#early.get(this.#next); ready !== undefined; ready = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#take(ready);
    }
  }
}

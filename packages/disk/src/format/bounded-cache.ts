/** Keeps the values used last, up to `capacity`. Tables are read through it, so that memory stays flat on a disk of any size. */
export class BoundedCache<Value> {
  readonly #capacity: number;
  readonly #values = new Map<number, Value>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** `load` may make the new value out of the one that is dropped for it. */
  get(key: number, load: (key: number, dropped: Value | undefined) => Value): Value {
    const known = this.#values.get(key);
    if (known !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, known);
      return known;
    }
    const value = load(key, this.#values.size < this.#capacity ? undefined : this.#dropOldest());
    this.#values.set(key, value);
    return value;
  }
  #dropOldest(): Value | undefined {
    for (const [key, value] of this.#values) {
      this.#values.delete(key);
      return value;
    }
    return undefined;
  }
}

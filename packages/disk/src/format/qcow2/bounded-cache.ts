/** Keeps the values used last, up to `capacity`. Tables are read through it, so that memory stays flat on a disk of any size. */
export class BoundedCache<Value> {
  readonly #capacity: number;
  readonly #values = new Map<number, Value>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: number, load: (key: number) => Value): Value {
    const known = this.#values.get(key);
    if (known !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, known);
      return known;
    }
    const value = load(key);
    if (this.#values.size >= this.#capacity) {
      for (const oldest of this.#values.keys()) {
        this.#values.delete(oldest);
        break;
      }
    }
    this.#values.set(key, value);
    return value;
  }
}

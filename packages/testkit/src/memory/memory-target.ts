import { HyperError } from '@hypersdk/domain';
import type { Cancel, StorageTarget, StoredObject } from '@hypersdk/ports';

const NAME_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Objects in a map: the reference for `StorageTarget`. */
export class MemoryTarget implements StorageTarget {
  readonly #objects = new Map<string, Uint8Array>();

  async put(name: string, bytes: Uint8Array, { signal, ifAbsent }: Cancel & { readonly ifAbsent: boolean }): Promise<void> {
    signal.throwIfAborted();
    refuseBadName(name);
    if (ifAbsent && this.#objects.has(name)) throw new HyperError('target/exists', `${name} exists already.`);
    this.#objects.set(name, bytes.slice());
  }

  async get(name: string, { signal, range }: Parameters<StorageTarget['get']>[1]): Promise<Uint8Array> {
    signal.throwIfAborted();
    refuseBadName(name);
    const bytes = this.#objects.get(name);
    if (!bytes) throw new HyperError('source/not-found', `There is no object ${name}.`);
    const { offset, length } = range ?? { offset: 0, length: bytes.length };
    if (offset + length > bytes.length)
      throw new HyperError('source/unreadable', `${name} ends at byte ${bytes.length}, before byte ${offset + length}.`);
    return bytes.slice(offset, offset + length);
  }

  async *list(prefix: string, { signal }: Cancel): AsyncGenerator<StoredObject> {
    for (const name of [...this.#objects.keys()].toSorted()) {
      signal.throwIfAborted();
      const size = this.#objects.get(name)?.length;
      if (name.startsWith(prefix) && size !== undefined) yield { name, size };
    }
    signal.throwIfAborted();
  }

  async delete(name: string, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    refuseBadName(name);
    this.#objects.delete(name);
  }

  async usage({ signal }: Cancel): Promise<{ readonly used: number }> {
    signal.throwIfAborted();
    return { used: this.#objects.values().reduce((sum, bytes) => sum + bytes.length, 0) };
  }
}

function refuseBadName(name: string): void {
  if (!name.split('/').every((part) => NAME_PART.test(part)))
    throw new HyperError('usage/invalid', `${JSON.stringify(name)} is not a name for an object.`);
}

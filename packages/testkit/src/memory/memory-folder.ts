import { HyperError, type ImageRef } from '@hypersdk/domain';
import type { BlockLocator, Cancel, StorageTarget, StoredObject } from '@hypersdk/ports';
import { MemoryFiles, pathOf, type MemoryFileState } from './memory-files.ts';
import { MemoryTarget } from './memory-target.ts';

/** A folder in memory that is a storage target and at the same time the place where a `MemoryTransfer` reads and writes images: `<folder>/<name>` is the object `<name>`. */
export class MemoryFolder extends MemoryFiles implements StorageTarget {
  readonly folder: string;
  readonly #objects = new Map<string, MemoryFileState>();
  /** Knows the rules for names. */
  readonly #rules = new MemoryTarget();

  constructor(folder = '/exports') {
    super();
    this.folder = folder;
  }

  override write(path: string, bytes: Uint8Array): void {
    this.#objects.set(path, { bytes: bytes.slice(), version: (this.#objects.get(path)?.version ?? 0) + 1 });
  }

  override find(path: string): MemoryFileState | undefined {
    return this.#objects.get(path);
  }

  override open(locator: BlockLocator): MemoryFileState {
    return this.#existing({ path: pathOf(locator) });
  }

  async put(name: string, bytes: Uint8Array, o: Cancel & { readonly ifAbsent: boolean }): Promise<void> {
    await this.#rules.put(name, bytes, { ...o, ifAbsent: false });
    if (o.ifAbsent && this.find(this.#pathOf(name))) throw new HyperError('target/exists', `${name} exists already.`);
    this.write(this.#pathOf(name), bytes);
  }

  async get(name: string, o: Parameters<StorageTarget['get']>[1]): Promise<Uint8Array> {
    const { bytes } = this.find(this.#pathOf(name)) ?? {};
    if (!bytes) return new MemoryTarget().get(name, o);
    await this.#rules.put(name, bytes, { signal: o.signal, ifAbsent: false });
    return this.#rules.get(name, o);
  }

  async *list(prefix: string, { signal }: Cancel): AsyncGenerator<StoredObject> {
    signal.throwIfAborted();
    for (const path of [...this.#objects.keys()].toSorted()) {
      const size = this.#objects.get(path)?.bytes.length;
      if (path.startsWith(this.#pathOf(prefix)) && size !== undefined) yield { name: path.slice(this.folder.length + 1), size };
    }
  }

  async delete(name: string, o: Cancel): Promise<void> {
    await this.#rules.delete(name, o);
    this.#objects.delete(this.#pathOf(name));
  }

  async usage({ signal }: Cancel): Promise<{ readonly used: number }> {
    signal.throwIfAborted();
    return { used: this.#objects.values().reduce((sum, { bytes }) => sum + bytes.length, 0) };
  }

  #pathOf(name: string): string {
    return `${this.folder}/${name}`;
  }

  #existing({ path }: Pick<ImageRef, 'path'>): MemoryFileState {
    const file = this.#objects.get(path);
    if (!file) throw new HyperError('source/not-found', `There is no file ${path}.`);
    return file;
  }
}

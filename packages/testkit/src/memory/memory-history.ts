import type { Cancel, History, HistoryEntry } from '@hypersdk/ports';

/** Entries in a map, in the order in which their ids first came: the reference for `History`. */
export class MemoryHistory implements History {
  readonly #entries = new Map<string, HistoryEntry>();

  async record(entry: HistoryEntry, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    this.#entries.set(entry.id, structuredClone(entry));
  }

  async list({ signal, limit }: Cancel & { readonly limit: number }): Promise<readonly HistoryEntry[]> {
    signal.throwIfAborted();
    return [...this.#entries.values()].toReversed().slice(0, limit);
  }

  async find(id: string, { signal }: Cancel): Promise<HistoryEntry | undefined> {
    signal.throwIfAborted();
    return this.#entries.get(id);
  }
}

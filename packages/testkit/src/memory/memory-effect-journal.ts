import type { SourceEffect } from '@hypersdk/domain';
import type { Cancel, EffectJournal, JournalledEffect } from '@hypersdk/ports';

/** Records in a map: the reference for `EffectJournal`. */
export class MemoryEffectJournal implements EffectJournal {
  readonly #records = new Map<string, JournalledEffect>();

  async intend(effect: SourceEffect, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    this.#records.set(keyOf(effect), { effect, isKept: false });
  }

  async keep(effect: SourceEffect, { signal, keptFor }: Parameters<EffectJournal['keep']>[1]): Promise<void> {
    signal.throwIfAborted();
    this.#records.set(keyOf(effect), { effect, isKept: true, ...(keptFor === undefined ? {} : { keptFor }) });
  }

  async settle(effect: SourceEffect, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    this.#records.delete(keyOf(effect));
  }

  async list({ signal }: Cancel): Promise<readonly JournalledEffect[]> {
    signal.throwIfAborted();
    return [...this.#records.values()];
  }
}

const keyOf = ({ run, provider, connection, vm, kind, name }: SourceEffect): string => JSON.stringify([run, provider, connection, vm, kind, name]);

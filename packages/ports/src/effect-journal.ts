import type { SourceEffect } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

export interface JournalledEffect {
  readonly effect: SourceEffect;
  /** It stays at the source on purpose: the base of the next incremental export. */
  readonly isKept: boolean;
  /** Where that export lies, as far as it was told. */
  readonly keptFor?: string;
}

/**
 * What was made at sources and must not stay there. Whoever makes something says so first, and says afterwards that it is gone:
 * a process that dies in between leaves a record by which the next one cleans up. Effects are equal when all their fields are. Every call is idempotent.
 */
export interface EffectJournal {
  /** Durable when it answers: only then is the effect made. */
  intend(effect: SourceEffect, o: Cancel): Promise<void>;
  /** The effect stays for good, as something that is known and wanted. */
  keep(effect: SourceEffect, o: Cancel & Pick<JournalledEffect, 'keptFor'>): Promise<void>;
  /** The effect is gone from the source, or was never made. */
  settle(effect: SourceEffect, o: Cancel): Promise<void>;
  /** All that is not settled, in no order. A record that cannot be read is left where it is and told to `onProblem`. */
  list(o: Cancel & { readonly onProblem?: (problem: string) => void }): Promise<readonly JournalledEffect[]>;
}

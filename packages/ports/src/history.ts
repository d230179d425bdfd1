import type { Cancel } from './cancel.ts';

/** One run of the exporter as it is remembered. Times are ISO 8601 UTC, sizes bytes. */
export interface HistoryEntry {
  readonly id: string;
  readonly command: 'export' | 'convert' | 'restore';
  readonly state: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'interrupted';
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly source: string;
  /** Names of the VMs that were exported, once it succeeded. */
  readonly vms?: readonly string[];
  readonly target: string;
  readonly bytes?: number;
  readonly root?: string;
  readonly error?: { readonly code: string; readonly message: string };
  /** The arguments that start the same work again. */
  readonly resume: readonly string[];
}

/** What was run, newest first. Records survive a crash; a record that cannot be read is left out, never repaired. */
export interface History {
  /** Adds or replaces the entry with this id, durably. */
  record(entry: HistoryEntry, o: Cancel): Promise<void>;
  list(o: Cancel & { readonly limit: number }): Promise<readonly HistoryEntry[]>;
  find(id: string, o: Cancel): Promise<HistoryEntry | undefined>;
}

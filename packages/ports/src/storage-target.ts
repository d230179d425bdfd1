import type { ByteRange } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

export interface StoredObject {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Named objects in one place. Names match `[A-Za-z0-9][A-Za-z0-9._-]{0,127}` with single slashes between parts; anything else is `usage/invalid`.
 * An object is whole or absent: nobody ever reads half of a put.
 */
export interface StorageTarget {
  /** Stores durably, then gives the name. `ifAbsent` fails with `target/exists` when the name is taken; otherwise the old object is replaced at once. */
  put(name: string, bytes: Uint8Array, o: Cancel & { readonly ifAbsent: boolean }): Promise<void>;
  /** The object or a part of it; `source/not-found` when absent, `source/unreadable` when the part reaches past the end. */
  get(name: string, o: Cancel & { readonly range?: ByteRange }): Promise<Uint8Array>;
  /** Objects whose name starts with `prefix`, in name order. */
  list(prefix: string, o: Cancel): AsyncIterable<StoredObject>;
  /** Idempotent. */
  delete(name: string, o: Cancel): Promise<void>;
  /** `mayShareBlocks`: a copy of what lies there already need not take room. */
  usage(o: Cancel): Promise<{ readonly used: number; readonly free?: number; readonly mayShareBlocks?: boolean }>;
  /** Where images can be written in place, for targets that are a file system here. */
  readonly folder?: string;
}

/** A run of a served disk. */
export interface ServedRun {
  readonly offset: number;
  readonly length: number;
  readonly kind: 'data' | 'zero' | 'hole';
}

/** A disk as a server offers it. Every call may be made while others run; ranges lie inside the disk. */
export interface NbdBackend {
  readonly size: number;
  readonly description: string;
  /** What the disk is stored in: requests of whole ones are cheapest. A power of two. */
  readonly preferredBlockSize: number;
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Runs from the start of the range on, `countMax` at most, as far as they are known at once. At least one. */
  runs(range: { readonly offset: number; readonly length: number }, countMax: number): Promise<readonly ServedRun[]>;
  /** Absent: the disk is read-only. */
  readonly writing?: NbdWriting;
}

export interface NbdWriting {
  /** The bytes belong to the callee from now on. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** The range reads as zeros afterwards. `mayPunch`: its space may be given back. */
  zero(range: { readonly offset: number; readonly length: number }, o: { readonly mayPunch: boolean }): Promise<void>;
  /** What was written before is on the medium afterwards. */
  flush(): Promise<void>;
}

export interface ThreadWish {
  /** Address of the module that lists the readers. */
  readonly list: string;
  readonly name: string;
  readonly executions: number;
  readonly seed: number;
  /** Four numbers: the execution under way, and from what its input is made. */
  readonly shared: SharedArrayBuffer;
}

export interface Counts {
  readonly executions: number;
  readonly read: number;
  readonly refused: number;
  readonly findings: number;
  readonly slowestMs: number;
  readonly cpuMs: number;
  readonly reached: number;
  readonly total: number;
  readonly pool: number;
}

/** An input and what is wrong with how it was met. */
export interface Finding {
  readonly bytes: Uint8Array;
  readonly why: string;
}

/** What a whole run came to. */
export interface RunResult extends Counts {
  /** Bytes held more than at the start. */
  readonly growth: number;
  readonly kept: readonly Uint8Array[];
  /** Where branches are that were never reached. */
  readonly unreached: readonly string[];
}

/** What the thread says of its work. */
export type Report =
  | { readonly kind: 'entry'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'finding' } & Finding)
  | ({ readonly kind: 'progress' } & Counts)
  | ({ readonly kind: 'end' } & RunResult);

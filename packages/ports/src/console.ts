import type { Secret, VMId } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

/** What a VM's screen showed at one moment, as every browser can show it. */
export interface Screenshot {
  readonly mediaType: 'image/png';
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

/** What a VM offers to look at it with; what is not among it is refused with the code that says so. Only a running VM offers anything. */
export interface OfferedConsoles {
  readonly hasScreen: boolean;
  /** The names of its serial lines; the first is the one that is opened when none is named. */
  readonly lines: readonly string[];
  readonly graphics: readonly GraphicsProtocol[];
}

export type GraphicsProtocol = 'vnc' | 'spice';

/**
 * A serial line of a running guest. Who does not read holds the guest back, or loses what it says once the platform holds no more; who sends more than
 * the guest takes waits. Disposal lets go of the line for others, and is idempotent; the end of the session does too.
 */
export interface SerialLine extends AsyncDisposable {
  /**
   * What the guest says, in order, from the moment of opening on; what it said before is gone. For one reader. Ends when the VM stops and when
   * the line was let go of; fails with `console/in-use` when somebody took it over.
   */
  received(o: Cancel): AsyncIterable<Uint8Array>;
  /** Settles when the platform took the bytes, in the order of the calls; whether the guest reads them is the guest's. */
  send(bytes: Uint8Array, o: Cancel): Promise<void>;
}

export interface SerialRequest extends Cancel {
  /** One of the lines that the VM offers; the first when absent. `console/no-serial` when there is none of the name. */
  readonly line?: string;
  /** A line has one holder: `refuse` fails with `console/in-use` while there is one, `take-over` ends the other's. */
  readonly whenHeld: 'refuse' | 'take-over';
}

/** Where a graphical console listens: `host` as seen from its machine, so a loopback address and a socket are reached only from there. */
export type GraphicsEndpoint =
  | { readonly kind: 'tcp'; readonly machine: string; readonly host: string; readonly port?: number; readonly tlsPort?: number }
  | { readonly kind: 'socket'; readonly machine: string; readonly path: string };

/** Lets whoever has it see and steer a VM. `guard` is absent where the console asks nobody for anything; times are ISO 8601 in UTC. */
export interface GraphicsTicket {
  readonly protocol: GraphicsProtocol;
  readonly endpoint: GraphicsEndpoint;
  readonly guard?: { readonly password: Secret; readonly expiresAt: string };
}

export interface GraphicsRequest extends Cancel {
  /** The first that the VM offers when absent. */
  readonly protocol?: GraphicsProtocol;
  /** Nobody gets in with the ticket afterwards, by the clock of the platform; who is in by then stays. At most a day: else `usage/invalid`. */
  readonly validForMs: number;
  /** A console that was started without a password cannot be given one: `refuse` fails with `console/no-password`, `accept` gives a ticket without guard. */
  readonly whenUnguarded: 'refuse' | 'accept';
}

/**
 * Looks at VMs as somebody in front of them would. `vm/not-found` for what there is not, `vm/wrong-state` for a VM that does not run, and
 * `console/no-screen`, `console/no-serial`, `console/no-graphics` for what a VM lacks.
 */
export interface Console {
  /** What the VM offers now; nothing while it does not run. */
  offered(id: VMId, o: Cancel): Promise<OfferedConsoles>;
  /** The picture on its first screen; a VM that is suspended shows its last. */
  screenshot(id: VMId, o: Cancel): Promise<Screenshot>;
  openSerial(id: VMId, o: SerialRequest): Promise<SerialLine>;
  /** Each ticket ends the password that was valid before it, the one of an earlier ticket too. The VM's configuration stays as it is. */
  issueTicket(id: VMId, o: GraphicsRequest): Promise<GraphicsTicket>;
}

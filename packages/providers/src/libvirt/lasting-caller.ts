import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, type ErrorCode } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { LibvirtConnection } from './libvirt-connection.ts';
import { type Procedure, procedures } from './rpc/procedures.ts';
import type { Caller } from './rpc/rpc-client.ts';
import type { StreamChannel } from './rpc/stream-channel.ts';

/** A daemon that is started again is there within seconds; one that is not after this time needs somebody to look at it. */
const AWAY_MS = 30_000;
const PAUSE_MS = 300;

/** What may be asked a second time when nobody knows whether it was heard: it is over already, which the server says. Look-ups are too. */
const REPEATABLE: ReadonlySet<string> = new Set([
  procedures.domainAbortJob.name,
  procedures.domainDestroy.name,
  procedures.domainFsThaw.name,
  procedures.checkpointDelete.name,
]);

/** The connection is over, the server perhaps not. */
const LOST: ReadonlySet<ErrorCode> = new Set(['libvirt/lost', 'libvirt/timeout']);
/** Nobody answers yet. */
const AWAY: ReadonlySet<ErrorCode> = new Set(['libvirt/lost', 'libvirt/unreachable']);

interface LastingOptions {
  readonly reopen: (o: Cancel) => Promise<LibvirtConnection>;
  /** Told of a new connection before anybody uses it. */
  readonly reopened?: (connection: LibvirtConnection, o: Cancel) => Promise<void>;
  readonly awayMs?: number;
}

/**
 * Calls that outlive their connection. QEMU, and what it does for us, does not end with libvirt's daemon: when that was started again, it is asked over a
 * new connection. What makes something is not asked twice.
 */
export class LastingCaller implements Caller, AsyncDisposable {
  readonly #reopen: (o: Cancel) => Promise<LibvirtConnection>;
  readonly #reopened: ((connection: LibvirtConnection, o: Cancel) => Promise<void>) | undefined;
  readonly #awayMs: number;
  #connection: LibvirtConnection;
  #opening: Promise<LibvirtConnection> | undefined;
  #isDisposed = false;

  constructor(first: LibvirtConnection, o: LastingOptions) {
    this.#connection = first;
    this.#reopen = o.reopen;
    this.#reopened = o.reopened;
    this.#awayMs = o.awayMs ?? AWAY_MS;
  }

  /** Settles when the connection of this moment is over. */
  get ended(): Promise<HyperError> {
    return this.#connection.client.ended;
  }

  async call<Args, Result>(procedure: Procedure<Args, Result>, args: Args, o: Cancel): Promise<Result> {
    const { client } = await this.#open(o);
    try {
      return await client.call(procedure, args, o);
    } catch (error) {
      const isLost = client.failure !== undefined && error instanceof HyperError && LOST.has(error.code);
      if (!isLost || (procedure.patience !== 'quick' && !REPEATABLE.has(procedure.name))) throw error;
      const again = await this.#open(o);
      return await again.client.call(procedure, args, o);
    }
  }

  /** A stream ends with the connection that it was opened on. */
  async open<Args, Result>(procedure: Procedure<Args, Result>, args: Args, o: Cancel): Promise<StreamChannel<Result>> {
    const { client } = await this.#open(o);
    return await client.open(procedure, args, o);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#connection[Symbol.asyncDispose]();
  }

  async #open(o: Cancel): Promise<LibvirtConnection> {
    o.signal.throwIfAborted();
    const { failure } = this.#connection.client;
    if (!failure) return this.#connection;
    if (this.#isDisposed) throw failure;
    this.#opening ??= this.#openAgain().finally(() => (this.#opening = undefined));
    // Not called off with its first caller, as others wait for it too.
    return await this.#opening;
  }

  async #openAgain(): Promise<LibvirtConnection> {
    const signal = AbortSignal.timeout(this.#awayMs * 2);
    for (const until = performance.now() + this.#awayMs; ; await delay(PAUSE_MS)) {
      try {
        return await this.#replace(await this.#reopen({ signal }), { signal });
      } catch (error) {
        if (!(error instanceof HyperError) || !AWAY.has(error.code) || performance.now() > until || this.#isDisposed) throw error;
      }
    }
  }
  async #replace(opened: LibvirtConnection, o: Cancel): Promise<LibvirtConnection> {
    try {
      if (this.#isDisposed) await opened[Symbol.asyncDispose]();
      else await this.#reopened?.(opened, o);
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      throw error;
    }
    this.#connection = opened;
    return opened;
  }
}

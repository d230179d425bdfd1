import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, type ByteRange, type ErrorCode } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { NbdConnection, type ConnectWish, type ContextMap, type NbdExport } from '@hypersdk/wire';

/** Waits before another connection is tried, in milliseconds. Any answer of the server begins anew; after the last, the server is gone. */
const WAITS_MS = [0, 50, 200, 500, 1000, 2000, 4000, 8000, 8000, 8000];
/** A server that hangs up in the greeting may have too many clients at the moment; one that is not there is not waited for. */
const OPEN_WAITS_MS = [100, 400, 1000];
/** A request that the server itself failed is tried again as often: media err and recover. */
const TRIES_MAX = 4;
const TRY_WAIT_MS = 20;

/** The server is there, its medium perhaps not at this moment. */
const FAILED = new Set<ErrorCode>(['source/unreadable', 'target/unwritable']);
/** The connection is over, the server perhaps not. */
const LOST = new Set<ErrorCode>(['nbd/lost', 'nbd/timeout', 'nbd/unreachable']);

/** A way to one export that outlives its connections: what was under way when one broke is asked again over the next. */
export class NbdLink {
  readonly #wish: ConnectWish;
  readonly #waitsMs: readonly number[];
  readonly #stop = new AbortController();
  readonly #first: NbdExport;
  #connection: NbdConnection;
  #connecting: Promise<NbdConnection> | undefined;
  /** Losses in a row, without an answer in between. */
  #losses = 0;

  private constructor(wish: ConnectWish, connection: NbdConnection, waitsMs: readonly number[]) {
    this.#wish = wish;
    this.#waitsMs = waitsMs;
    this.#connection = connection;
    this.#first = connection.export;
  }

  /** `waitsMs` as above when absent. */
  static async open(wish: ConnectWish, o: Cancel & { readonly waitsMs?: readonly number[] }): Promise<NbdLink> {
    const waitsMs = o.waitsMs ?? WAITS_MS;
    for (const waitMs of OPEN_WAITS_MS) {
      try {
        return new NbdLink(wish, await NbdConnection.open(wish, o), waitsMs);
      } catch (error) {
        if (!(error instanceof HyperError) || error.code !== 'nbd/lost') throw error;
        await delay(waitMs, undefined, { signal: o.signal });
      }
    }
    return new NbdLink(wish, await NbdConnection.open(wish, o), waitsMs);
  }

  /** As it was when it was first opened; it is the same as long as there is no error. */
  get export(): NbdExport {
    return this.#first;
  }

  /** Fills what `room` answers when the bytes come: memory as long as the range, each time the same. */
  read(range: ByteRange, room: () => Uint8Array, o: Cancel): Promise<void> {
    return this.#persist((connection) => connection.read(range, room), o);
  }

  /** What was written and not flushed when a connection broke may be lost with its server: whoever goes on has to read all of it back. */
  write(offset: number, bytes: Uint8Array, o: Cancel): Promise<void> {
    return this.#persist((connection) => connection.write(offset, bytes), o);
  }

  zero(range: ByteRange, o: Cancel): Promise<void> {
    return this.#persist((connection) => connection.zero(range), o);
  }

  flush(o: Cancel): Promise<void> {
    return this.#persist((connection) => connection.flush(), o);
  }

  map(range: ByteRange): Promise<ReadonlyMap<string, ContextMap>> {
    return this.#persist((connection) => connection.map(range), this.#stop);
  }

  async #persist<Result>(ask: (connection: NbdConnection) => Promise<Result>, { signal }: Cancel): Promise<Result> {
    for (let tries = 1; ;) {
      const connection = this.#connection.failure || this.#stop.signal.aborted ? await untilStopped(this.#connected(), signal) : this.#connection;
      try {
        const result = await ask(connection);
        this.#losses = 0;
        return result;
      } catch (error) {
        this.#stop.signal.throwIfAborted();
        signal.throwIfAborted();
        if (isLoss(error)) continue;
        if (!(error instanceof HyperError) || !FAILED.has(error.code) || tries === TRIES_MAX) throw error;
        this.#losses = 0;
        tries += 1;
        await delay(TRY_WAIT_MS);
      }
    }
  }

  async #connected(): Promise<NbdConnection> {
    this.#stop.signal.throwIfAborted();
    if (!this.#connection.failure) return this.#connection;
    this.#connecting ??= this.#reconnect().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async #reconnect(): Promise<NbdConnection> {
    for (;;) {
      const waitMs = this.#waitsMs[this.#losses];
      if (waitMs === undefined) throw this.#gone();
      this.#losses += 1;
      await delay(waitMs, undefined, { signal: this.#stop.signal }).catch(() => this.#stop.signal.throwIfAborted());
      try {
        const connection = await NbdConnection.open(this.#wish, { signal: this.#stop.signal });
        this.#requireSame(connection);
        this.#connection = connection;
        return connection;
      } catch (error) {
        if (!isLoss(error)) throw error;
      }
    }
  }

  #gone(): HyperError {
    const { failure } = this.#connection;
    return new HyperError(
      'source/unreadable',
      `${failure?.message ?? 'The NBD server is gone.'} It could not be reached again in ${this.#waitsMs.length} tries.`,
      {
        cause: failure,
      },
    );
  }

  /** What can be known of an export is the same, or it is another one under the same name. */
  #requireSame(connection: NbdConnection): void {
    const { size, description } = connection.export;
    if (size === this.#first.size && description === this.#first.description) return;
    connection[Symbol.dispose]();
    throw new HyperError('source/changed', `The NBD server came back with another disk: ${size} bytes instead of ${this.#first.size}.`);
  }

  /** Lets go of every buffer at once. Whoever was not stopped asks again over the next connection. */
  interrupt(): void {
    if (this.#connection.inFlight > 0) this.#connection.fail(new HyperError('nbd/lost', 'The NBD connection was given up.'));
  }

  [Symbol.dispose](): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(new HyperError('transfer/cancelled', 'The NBD export was closed.'));
    this.#connection[Symbol.dispose]();
  }
}

/** No buffer is in use while a connection is waited for, so the wait can be given up at once. */
export async function untilStopped<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

const isLoss = (error: unknown): boolean => error instanceof HyperError && LOST.has(error.code);

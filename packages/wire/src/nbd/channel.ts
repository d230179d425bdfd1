import { connect, type Socket } from 'node:net';
import { connect as connectTls, createServer, type TLSSocket } from 'node:tls';
import { HyperError, whyUnreachable } from '@hypersdk/domain';
import type { Intake } from './intake.ts';
import type { NbdAddress } from './nbd-address.ts';
import { toSecureOptions, toServerOptions, type NbdTls, type ServerSecrets } from './nbd-tls.ts';
import { StepIntake } from './intake.ts';
import { misbehaves, unreachable } from './refusals.ts';

/** A stream of bytes to the other side, over TCP or a UNIX socket, with or without TLS. It ends once, and tells its intake why. */
export class Channel {
  readonly #socket: Socket;
  readonly #ended = Promise.withResolvers<void>();
  #secure: TLSSocket | undefined;
  #intake: Intake = new StepIntake();
  /** Read into where the intake has less room, so that the parts of a header do not each cost a call. */
  readonly #small = Buffer.allocUnsafe(SMALL_SIZE);
  /** What was offered to the socket to read into; it may have been offered by an earlier intake. */
  #offered: Uint8Array | undefined;
  #failure: Error | undefined;
  #isCorked = false;
  #draining: Promise<void> | undefined;

  private constructor(open: (o: { room(): Uint8Array; took(count: number): boolean }) => Socket) {
    this.#socket = open({ room: () => this.#room(), took: (count) => this.#took(count) });
    this.#watch(this.#socket);
  }

  /** Settles when the other side accepted. */
  static async connect(address: NbdAddress, o: { readonly signal: AbortSignal; readonly isSecure: boolean }): Promise<Channel> {
    o.signal.throwIfAborted();
    const target = 'path' in address ? { path: address.path } : { host: address.host, port: address.port };
    // Under TLS the plain socket is read by the TLS layer, which brings buffers of its own.
    const channel = o.isSecure
      ? new Channel(() => connect({ ...target, noDelay: true }))
      : new Channel(({ room, took }) => connect({ ...target, noDelay: true, onread: { buffer: room, callback: took } }));
    if (o.isSecure) channel.#listen(channel.#socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => channel.fail(o.signal.reason instanceof Error ? o.signal.reason : new Error(String(o.signal.reason)));
    o.signal.addEventListener('abort', stop, { once: true });
    channel.#socket.once('connect', resolve);
    void channel.#ended.promise.then(() => reject(channel.#unreachable(address)));
    try {
      await promise;
    } finally {
      o.signal.removeEventListener('abort', stop);
    }
    return channel;
  }

  /** Takes over a socket that came in. */
  static adopt(socket: Socket): Channel {
    socket.setNoDelay(true);
    const channel = new Channel(() => socket);
    channel.#listen(socket);
    return channel;
  }

  /** Where the bytes that come from now on go. */
  set intake(intake: Intake) {
    this.#intake = intake;
    if (this.#failure) intake.ended(this.#failure);
  }

  /** Settles when the channel is at its end, whichever side ended it. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The other side's address; undefined for UNIX sockets. */
  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get isSecure(): boolean {
    return this.#secure !== undefined;
  }

  /** Sends the bytes, together with whatever else is sent before the caller's turn ends. False: the other side takes them slowly, see `drained`. */
  write(bytes: Uint8Array): boolean {
    if (this.#failure) return true;
    const socket = this.#secure ?? this.#socket;
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      queueMicrotask(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    return socket.write(bytes);
  }

  /** Settles when what was written has gone, or the channel ended. */
  async drained(): Promise<void> {
    const socket = this.#secure ?? this.#socket;
    if (this.#failure || !socket.writableNeedDrain) return;
    // However many wait, one listener is enough.
    this.#draining ??= new Promise<void>((resolve) => socket.once('drain', resolve)).finally(() => (this.#draining = undefined));
    await Promise.race([this.#draining, this.ended]);
  }

  pause(): void {
    (this.#secure ?? this.#socket).pause();
  }

  resume(): void {
    (this.#secure ?? this.#socket).resume();
  }

  /** Calls `told` whenever nothing moved in either direction for so long. */
  onSilence(silenceMs: number, told: () => void): void {
    this.#socket.setTimeout(silenceMs, told);
  }

  /** Goes on in TLS as the client. Nothing may have come in plain text that was not asked for. */
  async startTls(tls: NbdTls, o: { readonly signal: AbortSignal }): Promise<void> {
    await this.#secured(o.signal, ({ resolve, reject }) => {
      const socket = connectTls({ ...toSecureOptions(tls), socket: this.#socket }, () => resolve(socket));
      socket.once('error', reject);
    });
  }

  /** Goes on in TLS as the server. */
  async acceptTls(secrets: ServerSecrets, o: { readonly signal: AbortSignal }): Promise<void> {
    await this.#secured(o.signal, ({ resolve, reject }) => {
      // A TLS server that listens nowhere: it is what turns clients away that lack a certificate they were asked for.
      const server = createServer(toServerOptions(secrets), resolve);
      server.once('tlsClientError', reject);
      server.emit('connection', this.#socket);
    });
  }

  async #secured(signal: AbortSignal, begin: (o: Omit<PromiseWithResolvers<TLSSocket>, 'promise'>) => void): Promise<void> {
    this.#socket.removeAllListeners('data');
    const { promise, ...settle } = Promise.withResolvers<TLSSocket>();
    const stop = (): void => settle.reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    void this.ended.then(() => settle.reject(this.#failure));
    try {
      begin(settle);
      this.#secure = await promise;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const error = new HyperError('nbd/tls-failed', `TLS could not be agreed on: ${why}.`, { cause });
      this.fail(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
    this.#watch(this.#secure);
    this.#listen(this.#secure);
  }

  /** Sends the last bytes and ends in peace. */
  end(bytes?: Uint8Array): void {
    const socket = this.#secure ?? this.#socket;
    if (bytes) socket.end(bytes);
    else socket.end();
    this.#close(misbehaves('nbd/lost', 'was left'));
    // A peer that does not hang up in return must not keep this process.
    socket.setTimeout(LINGER_MS, () => socket.destroy());
    socket.unref();
    this.#socket.unref();
  }

  /** Ends at once. */
  fail(error: Error): void {
    this.#close(error);
    this.#secure?.destroy();
    this.#socket.destroy();
  }

  #close(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#intake.ended(error);
    this.#ended.resolve();
  }

  #watch(socket: Socket): void {
    socket.on('error', (cause) => this.fail(new HyperError('nbd/lost', `The connection to the NBD server broke: ${cause.message}.`, { cause })));
    socket.on('end', () => this.fail(misbehaves('nbd/lost', 'hung up')));
    socket.on('close', () => this.fail(misbehaves('nbd/lost', 'hung up')));
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => this.#feed(bytes));
  }

  #unreachable(address: NbdAddress): Error {
    const failure = this.#failure;
    const cause = failure?.cause;
    if (!(failure instanceof HyperError) || failure.code !== 'nbd/lost' || !cause) return failure ?? new Error('The channel ended.');
    return unreachable(address, whyUnreachable(cause), cause);
  }

  #room(): Uint8Array {
    const room = this.#intake.room();
    this.#offered = room.length < SMALL_SIZE ? this.#small : room;
    return this.#offered;
  }

  #took(count: number): boolean {
    if (this.#failure || !this.#offered) return false;
    // Small parts were read together; and an intake that took another's place after a room had been offered has those bytes.
    if (this.#offered !== this.#intake.room()) this.#feed(this.#offered.subarray(0, count));
    else this.#guard(() => this.#intake.filled(count));
    return true;
  }

  #feed(bytes: Uint8Array): void {
    this.#guard(() => {
      for (let at = 0; at < bytes.length && !this.#failure;) {
        const room = this.#intake.room();
        const piece = bytes.subarray(at, at + room.length);
        room.set(piece);
        this.#intake.filled(piece.length);
        at += piece.length;
      }
    });
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** Longer than the fixed parts of a reply; the few bytes of content behind them are copied. */
const SMALL_SIZE = 64;
/** How long an ended connection may stay half open. */
const LINGER_MS = 2000;

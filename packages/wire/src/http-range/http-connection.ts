import { connect, isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { HyperError, systemCode, whyUnreachable } from '@hypersdk/domain';
import { openBody, type BodyIntake } from './body-intake.ts';
import type { BodyPlace } from './body-place.ts';
import type { HttpTarget } from './http-target.ts';
import { malformed, webServer } from './refusals.ts';
import { HEAD_SIZE_MAX, parseResponseHead, type ResponseHead } from './response-head.ts';

/** A line or server on which nothing moves for so long is given up. */
const SILENCE_MS = 30_000;
/** RFC 9110 §15.2: a server may say that it is still there; not for ever. */
const INTERIM_MAX = 8;

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** Addresses of the host that may be connected to. */
  readonly addresses: readonly string[];
  /** PEM of the authority that has to have signed the server's certificate; absent: those that the system trusts. */
  readonly authority?: string;
  readonly silenceMs?: number;
}

export interface Exchange {
  readonly head: ResponseHead;
  /** Whether the body was read; otherwise the connection was closed. */
  readonly isRead: boolean;
}

interface Running extends Omit<PromiseWithResolvers<Exchange>, 'promise'> {
  readonly admit: (head: ResponseHead) => BodyPlace | undefined;
  interim: number;
}

/** One HTTP/1.1 connection with one request at a time, whose body goes straight to where it belongs. */
export class HttpConnection implements Disposable {
  readonly #socket: Socket;
  readonly #headBytes = Buffer.allocUnsafeSlow(HEAD_SIZE_MAX);
  #headLength = 0;
  #head: ResponseHead | undefined;
  #body: BodyIntake | undefined;
  #offered: Uint8Array | undefined;
  #running: Running | undefined;
  #failure: Error | undefined;

  /** Over a socket that puts what comes where `onread` says, and that its opener waits for. */
  constructor(open: (onread: OnReadOpts) => Socket, silenceMs = SILENCE_MS) {
    this.#socket = open({ buffer: () => this.#room(), callback: (count) => this.#took(count) });
    this.#socket.setTimeout(silenceMs, () => this.fail(webServer('http/timeout', `said nothing for ${silenceMs / 1000} seconds`)));
    this.#socket.on('error', (cause) =>
      this.fail(new HyperError('http/lost', `The connection to the web server broke: ${cause.message}.`, { cause })),
    );
    this.#socket.on('close', () => this.#hungUp());
    this.#socket.on('end', () => this.#hungUp());
  }

  static async open(target: HttpTarget, o: ConnectOptions): Promise<HttpConnection> {
    o.signal.throwIfAborted();
    const { host, port, isSecure } = target;
    const lookup: LookupFunction = (_name, _options, answer) =>
      answer(
        null,
        o.addresses.map((address) => ({ address, family: isIP(address) })),
      );
    const where = { host, port, lookup, noDelay: true, autoSelectFamily: true };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const connection = new HttpConnection((onread) => {
      // TLS sockets take a buffer of the reader too, which their types do not say.
      const options = { ...where, onread };
      return isSecure ? connectTls({ ...options, ...toTls(host, o) }) : connect(options);
    }, o.silenceMs);
    connection.#socket.once(isSecure ? 'secureConnect' : 'connect', () => resolve());
    connection.#socket.once('error', (cause) => reject(toOpenError(cause, target)));
    connection.#socket.once('close', () => reject(connection.#failure));
    const stop = (): void => connection.fail(toError(o.signal.reason));
    o.signal.addEventListener('abort', stop, { once: true });
    try {
      await promise;
    } catch (error) {
      o.signal.throwIfAborted();
      throw error;
    } finally {
      o.signal.removeEventListener('abort', stop);
    }
    return connection;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** `admit` looks at the head and says where the body goes, exactly as long as it is; undefined: it is not read. */
  exchange(request: string, admit: (head: ResponseHead) => BodyPlace | undefined): Promise<Exchange> {
    const { promise, ...settle } = Promise.withResolvers<Exchange>();
    this.#body = undefined;
    if (this.#failure) settle.reject(this.#failure);
    else {
      this.#running = { ...settle, admit, interim: 0 };
      this.#socket.write(request, 'latin1');
    }
    return promise;
  }

  /** Ends at once; nothing is written to any buffer afterwards. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#socket.destroy();
    this.#running?.reject(error);
    this.#running = undefined;
  }

  [Symbol.dispose](): void {
    this.fail(webServer('http/lost', 'was left'));
  }

  #hungUp(): void {
    if (this.#running && this.#body?.endsWithConnection && this.#body.isAtEnd) return;
    this.fail(webServer('http/lost', 'hung up'));
  }

  #room(): Uint8Array {
    const isBody = this.#running !== undefined && this.#body !== undefined && !this.#body.isAtEnd;
    this.#offered = isBody ? this.#body?.room() : this.#headBytes.subarray(this.#headLength);
    return this.#offered ?? this.#headBytes;
  }

  #took(count: number): boolean {
    if (this.#failure) return false;
    try {
      if (this.#body && this.#running) this.#tookBody(this.#body, count);
      else this.#tookHead(count);
    } catch (error) {
      this.fail(toError(error));
    }
    return this.#failure === undefined;
  }

  #tookHead(count: number): void {
    // Bytes that nobody asked for would be taken for the answer to the next request.
    if (!this.#running) throw malformed('sends what was not asked for');
    this.#headLength += count;
    for (;;) {
      const bytes = this.#headBytes.subarray(0, this.#headLength);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        if (this.#headLength === HEAD_SIZE_MAX) throw malformed(`sends header fields of more than ${HEAD_SIZE_MAX} bytes`);
        return;
      }
      const head = parseResponseHead(bytes.subarray(0, end));
      const rest = bytes.subarray(end + 4);
      if (head.status >= 200) return this.#begin(this.#running, head, rest);
      this.#running.interim += 1;
      if (this.#running.interim > INTERIM_MAX || head.status === 101) throw malformed('puts the answer off without end');
      this.#headBytes.copyWithin(0, end + 4, this.#headLength);
      this.#headLength = rest.length;
    }
  }

  #begin(running: Running, head: ResponseHead, rest: Uint8Array): void {
    this.#headLength = 0;
    const place = running.admit(head);
    if (!place) {
      running.resolve({ head, isRead: false });
      this.#running = undefined;
      return this.fail(webServer('http/lost', 'was left'));
    }
    this.#head = head;
    const body = openBody(head, place);
    this.#body = body;
    for (let at = 0; at < rest.length;) {
      if (body.isAtEnd) throw malformed('sends more than was asked for');
      const room = body.room();
      const piece = rest.subarray(at, at + room.length);
      room.set(piece);
      body.filled(piece.length);
      at += piece.length;
    }
    this.#endBody(body);
  }

  #tookBody(body: BodyIntake, count: number): void {
    body.filled(count);
    this.#endBody(body);
  }

  #endBody(body: BodyIntake): void {
    const running = this.#running;
    const head = this.#head;
    if (!body.isAtEnd || !running || !head) return;
    this.#running = undefined;
    running.resolve({ head, isRead: true });
    if (!head.isKept || body.endsWithConnection) this.fail(webServer('http/lost', 'was left'));
  }
}

const toTls = (host: string, { authority }: ConnectOptions): ConnectionOptions => ({
  // RFC 6066 §3: addresses are no server names.
  ...(isIP(host) ? {} : { servername: host }),
  ...(authority === undefined ? {} : { ca: authority }),
  ALPNProtocols: ['http/1.1'],
  minVersion: 'TLSv1.2',
});

/** Codes of OpenSSL and Node for certificates and handshakes that fail; all others are the network's. */
const isTlsCode = (code: string): boolean =>
  /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/.test(code);

function toOpenError(cause: Error, { host, port }: HttpTarget): Error {
  const code = systemCode(cause) ?? ('code' in cause ? String(cause.code) : '');
  if (isTlsCode(code)) return new HyperError('http/tls-failed', `TLS with ${host} could not be agreed on: ${cause.message}.`, { cause });
  return new HyperError('http/unreachable', `${host}, port ${port}, cannot be reached: ${whyUnreachable(cause)}.`, { cause });
}

const toError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

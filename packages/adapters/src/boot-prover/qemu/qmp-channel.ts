import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';

export interface QmpEvent {
  readonly event: string;
  /** Whether the guest itself asked for it. */
  readonly byGuest: boolean;
}

/** Our longest answer, the statistics of sixteen disks, has some tens of KiB. */
const LINE_MAX = 1024 * 1024;
/** An emulator that does not answer for this long is stuck. */
const ANSWER_TIMEOUT_MS = 30_000;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * The QEMU Machine Protocol over a socket that the emulator connects to. We listen: an emulator whose maker is gone finds nobody, and ends.
 * Commands are answered in order; what comes from the emulator is hostile, because the guest may have taken it over.
 */
export class QmpChannel implements AsyncDisposable {
  readonly #server: Server;
  readonly #onEvent: (event: QmpEvent) => void;
  readonly #waiting: Waiting[] = [];
  #socket: Socket | undefined;
  #rest = '';
  #failure: Error | undefined;

  private constructor(server: Server, onEvent: (event: QmpEvent) => void) {
    this.#server = server;
    this.#onEvent = onEvent;
  }

  static async listen(path: string, onEvent: (event: QmpEvent) => void): Promise<QmpChannel> {
    const server = createServer();
    server.maxConnections = 1;
    server.listen(path);
    await once(server, 'listening');
    return new QmpChannel(server, onEvent);
  }

  /** Waits for the emulator and agrees on the protocol. */
  async accept(o: Cancel): Promise<void> {
    const connected: unknown[] = await once(this.#server, 'connection', o);
    const [socket] = connected;
    if (!isSocket(socket)) throw broken('nobody connected');
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(broken('the emulator hung up')));
    await this.execute('qmp_capabilities', {});
  }

  async execute(command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#failure) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ resolve, reject });
    const timer = setTimeout(() => this.#fail(broken(`it did not answer ${command}`)), ANSWER_TIMEOUT_MS);
    this.#socket?.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(broken('the machine is being ended'));
    this.#socket?.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LINE_MAX) return this.#fail(broken('it sends a line without an end'));
    for (const line of lines) this.#understand(line);
  }

  #understand(line: string): void {
    if (line.trim() === '') return;
    const message = parseLine(line);
    if (message === undefined) return this.#fail(broken('it sends what is not QMP'));
    if ('return' in message) this.#waiting.shift()?.resolve(message['return']);
    else if ('error' in message) this.#waiting.shift()?.reject(broken(describe(message['error'])));
    else if (typeof message['event'] === 'string') this.#onEvent({ event: message['event'], byGuest: isByGuest(message['data']) });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

const isSocket = (value: unknown): value is Socket => typeof value === 'object' && value !== null && 'setEncoding' in value;

function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const isByGuest = (about: unknown): boolean => isObject(about) && about['guest'] === true;

const describe = (error: unknown): string => (isObject(error) && typeof error['desc'] === 'string' ? error['desc'] : 'it refused a command');

const broken = (why: string): HyperError => new HyperError('boot/unavailable', `The emulator cannot be watched: ${why}.`);

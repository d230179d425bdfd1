// libvirt, "RPC infrastructure": calls, replies, streams and events of one connection.
import { HyperError } from '@hypersdk/domain';
import type { Link } from '@hypersdk/wire';
import { encodePacket, KEEPALIVE_PROGRAM, type Packet, PacketCutter, PacketStatus, PacketType, QEMU_PROGRAM, REMOTE_PROGRAM } from './packet.ts';
import { type DomainEvents, type EventMessage, type EventName, events, type Patience, type Procedure, streamHole } from './procedures.ts';
import { malformed, misbehaves } from './refusals.ts';
import { RpcStream, type StreamPiece } from './rpc-stream.ts';
import { toServerError } from './server-error.ts';
import { StreamChannel } from './stream-channel.ts';
import { XdrReader } from './xdr-reader.ts';
import { XdrWriter } from './xdr-writer.ts';

type Signal = { readonly signal: AbortSignal };

/** A call that has no answer after this time has none; keep-alive finds a dead server long before. */
const PATIENCE_MS: Readonly<Record<Patience, number>> = { quick: 30_000, slow: 120_000, long: 30 * 60_000, copying: 7 * 24 * 3_600_000 };
/** Calls that were given up and may still be answered; a server that leaves more behind is not to be used any longer. */
const ABANDONED_MAX = 1024;
/** As libvirt's own client: a sign of life is asked for every five seconds, and five times in vain is enough. */
const PING_MS = 5000;
const PINGS_MAX = 5;
const KeepAlive = { ping: 1, pong: 2 } as const;

interface Waiting {
  readonly name: string;
  readonly program: number;
  readonly procedure: number;
  readonly succeed: (payload: Uint8Array) => void;
  readonly fail: (error: Error) => void;
}

interface OpenStream {
  readonly name: string;
  readonly stream: RpcStream;
}

/** What a client needs of a link. */
type Carrier = Pick<Link, 'write' | 'drained' | 'pause' | 'resume' | 'fail' | 'receiver'> & Disposable;

type EventListener = (payload: Uint8Array) => void;

/** Calls run at once, in any number, and are matched by their serial numbers. When the connection ends, all of them fail with the reason. */
export class RpcClient implements Disposable {
  readonly #link: Carrier;
  readonly #cutter = new PacketCutter();
  readonly #waiting = new Map<number, Waiting>();
  readonly #streams = new Map<number, OpenStream>();
  readonly #abandoned = new Set<number>();
  readonly #listeners = new Map<number, EventListener>();
  readonly #ended = Promise.withResolvers<HyperError>();
  #serial = 0;
  #failure: HyperError | undefined;
  #pinger: NodeJS.Timeout | undefined;
  #unanswered = 0;
  #pausers = 0;

  constructor(link: Carrier) {
    this.#link = link;
    link.receiver = {
      received: (bytes) => {
        for (const packet of this.#cutter.cut(bytes)) this.#take(packet);
      },
      ended: (reason) => this.#end(reason),
    };
  }

  /** Why the connection is over; undefined while it works. */
  get failure(): HyperError | undefined {
    return this.#failure;
  }

  /** Settles with the reason when the connection is over. */
  get ended(): Promise<HyperError> {
    return this.#ended.promise;
  }

  async call<Args, Result>(procedure: Procedure<Args, Result>, args: Args, o: Signal): Promise<Result> {
    const payload = await this.#ask(procedure, args, o).answer;
    const reader = new XdrReader(payload);
    // Bytes behind the last field are what a newer server adds.
    return procedure.result.read(reader);
  }

  /** Opens a stream in which both sides may send at once. */
  async open<Args, Result>(procedure: Procedure<Args, Result>, args: Args, o: Signal): Promise<StreamChannel<Result>> {
    const { serial, answer } = this.#ask(procedure, args, o);
    const stream = new RpcStream({ pause: () => this.#pause(1), resume: () => this.#pause(-1) });
    this.#streams.set(serial, { name: procedure.name, stream });
    try {
      const result = procedure.result.read(new XdrReader(await answer));
      return new StreamChannel(result, stream, {
        transmit: ({ status, type, payload }) =>
          this.#link.write(encodePacket({ program: REMOTE_PROGRAM, procedure: procedure.number, type, serial, status }, payload)),
        drained: () => this.#link.drained(),
        release: (how) => {
          this.#streams.delete(serial);
          if (how === 'broken off') this.#abandon(serial);
        },
      });
    } catch (error) {
      this.#streams.delete(serial);
      stream.abandon();
      throw error;
    }
  }

  /** Bytes that the server sends, from the call to the end that it confirms. Leaving the iteration breaks it off. */
  async *download<Args, Result>(procedure: Procedure<Args, Result>, args: Args, { signal }: Signal): AsyncGenerator<StreamPiece> {
    using channel = await this.open(procedure, args, { signal });
    yield* channel.pieces(signal);
    await channel.finish({ signal });
  }

  /** Sends bytes and holes; settles when the server confirmed that it has them all. */
  async upload<Args, Result>(
    procedure: Procedure<Args, Result>,
    args: Args,
    o: Signal & { readonly pieces: AsyncIterable<StreamPiece> },
  ): Promise<void> {
    using channel = await this.open(procedure, args, o);
    for await (const piece of o.pieces) await channel.send(piece, o);
    await channel.finish(o);
  }

  /** Calls `told` for every event of the kind from now on. The server has to be asked for them too; one listener for each kind. */
  listen<Name extends EventName>(name: Name, told: (message: EventMessage<Name>) => void): void {
    const event: DomainEvents[EventName] = events[name];
    this.#listeners.set(event.procedure, (payload) => told(event.message.read(new XdrReader(payload)) as EventMessage<Name>));
  }

  /** Asks for signs of life from now on, and ends the connection when there are none. */
  keepAlive(o: { readonly everyMs: number } = { everyMs: PING_MS }): void {
    this.#pinger = setInterval(() => this.#ping(), o.everyMs).unref();
  }

  /** Ends at once; everything under way fails. */
  fail(error: Error): void {
    this.#link.fail(error);
  }

  [Symbol.dispose](): void {
    this.#link[Symbol.dispose]();
  }

  #ask<Args, Result>(
    procedure: Procedure<Args, Result>,
    args: Args,
    { signal }: Signal,
  ): { readonly serial: number; readonly answer: Promise<Uint8Array> } {
    signal.throwIfAborted();
    if (this.#failure) throw this.#failure;
    const writer = new XdrWriter();
    procedure.args.write(writer, args);
    this.#serial = (this.#serial % 0x7fff_ffff) + 1;
    const serial = this.#serial;
    return { serial, answer: this.#answer(procedure, { serial, signal, payload: writer.written }) };
  }

  async #answer(
    { name, program = REMOTE_PROGRAM, number, patience }: Pick<Procedure<never, unknown>, 'name' | 'program' | 'number' | 'patience'>,
    { serial, signal, payload }: Signal & { readonly serial: number; readonly payload: Uint8Array },
  ): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const timer = setTimeout(
      () => reject(misbehaves('libvirt/timeout', `did not answer ${name} within ${PATIENCE_MS[patience] / 1000} s`)),
      PATIENCE_MS[patience],
    );
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    this.#waiting.set(serial, { name, program, procedure: number, succeed: resolve, fail: reject });
    this.#link.write(encodePacket({ program, procedure: number, type: PacketType.call, serial, status: PacketStatus.ok }, payload));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      // A call cannot be taken back; its answer will come when nobody wants it any more.
      if (this.#waiting.delete(serial)) this.#abandon(serial);
    }
  }

  #abandon(serial: number): void {
    if (this.#failure) return;
    this.#abandoned.add(serial);
    if (this.#abandoned.size > ABANDONED_MAX) this.fail(misbehaves('libvirt/timeout', `left ${ABANDONED_MAX} calls unanswered`));
  }

  #take(packet: Packet): void {
    this.#unanswered = 0;
    if (packet.program === KEEPALIVE_PROGRAM) return this.#takeKeepAlive(packet);
    if (packet.program === QEMU_PROGRAM && packet.type === PacketType.reply) return this.#takeReply(packet);
    if (packet.program !== REMOTE_PROGRAM) throw malformed(`speaks for the unknown program ${packet.program}`);
    switch (packet.type) {
      case PacketType.reply:
        return this.#takeReply(packet);
      case PacketType.event:
        return this.#listeners.get(packet.procedure)?.(packet.payload);
      case PacketType.stream:
      case PacketType.streamHole:
        return this.#takeStream(packet);
      default:
        throw malformed(`sends a packet of type ${packet.type}, which a client is not sent`);
    }
  }

  #takeReply(packet: Packet): void {
    const waiting = this.#waiting.get(packet.serial);
    if (!waiting) {
      if (!this.#abandoned.delete(packet.serial)) throw malformed(`answers call ${packet.serial}, which was not made`);
      return;
    }
    if (packet.procedure !== waiting.procedure || packet.program !== waiting.program)
      throw malformed(`answers ${waiting.name} as procedure ${packet.procedure}`);
    if (packet.status !== PacketStatus.ok && packet.status !== PacketStatus.error)
      throw malformed(`answers ${waiting.name} with status ${packet.status}`);
    const refusal = packet.status === PacketStatus.error ? toServerError(packet.payload, waiting.name) : undefined;
    // Only now, so that an answer that cannot be read fails its call together with all others.
    this.#waiting.delete(packet.serial);
    if (refusal) waiting.fail(refusal);
    else waiting.succeed(packet.payload);
  }

  #takeStream(packet: Packet): void {
    const open = this.#streams.get(packet.serial);
    if (!open) {
      if (!this.#abandoned.has(packet.serial)) throw malformed(`sends to stream ${packet.serial}, which is not open`);
      if (packet.status !== PacketStatus.continue) this.#abandoned.delete(packet.serial);
      return;
    }
    if (packet.status === PacketStatus.error) return open.stream.fail(toServerError(packet.payload, open.name));
    if (packet.status === PacketStatus.ok) return open.stream.confirm();
    if (packet.type === PacketType.streamHole) return open.stream.hole(streamHole.read(new XdrReader(packet.payload)).length);
    return open.stream.data(packet.payload);
  }

  #takeKeepAlive({ procedure }: Packet): void {
    if (procedure === KeepAlive.ping) this.#sendKeepAlive(KeepAlive.pong);
    else if (procedure !== KeepAlive.pong) throw malformed(`sends the unknown sign of life ${procedure}`);
  }

  #ping(): void {
    // While a reader holds the connection back, the server's questions wait with everything else: it is told unasked that there is somebody.
    if (this.#pausers > 0) return this.#sendKeepAlive(KeepAlive.pong);
    if (this.#unanswered >= PINGS_MAX) return this.fail(misbehaves('libvirt/lost', `gave no sign of life ${PINGS_MAX} times`));
    this.#unanswered += 1;
    this.#sendKeepAlive(KeepAlive.ping);
  }

  #sendKeepAlive(procedure: number): void {
    const header = { program: KEEPALIVE_PROGRAM, procedure, type: PacketType.event, serial: 0, status: PacketStatus.ok };
    this.#link.write(encodePacket(header, new Uint8Array(0)));
  }

  #pause(change: 1 | -1): void {
    this.#pausers += change;
    if (this.#pausers === 0) this.#link.resume();
    else if (this.#pausers === 1 && change === 1) this.#link.pause();
  }

  #end(reason: Error): void {
    clearInterval(this.#pinger);
    const failure = toFailure(reason);
    this.#failure = failure;
    for (const waiting of this.#waiting.values()) waiting.fail(failure);
    for (const { stream } of this.#streams.values()) stream.fail(failure);
    this.#waiting.clear();
    this.#streams.clear();
    this.#abandoned.clear();
    this.#ended.resolve(failure);
  }
}

function toFailure(reason: Error): HyperError {
  return reason instanceof HyperError ? reason : misbehaves('libvirt/lost', `is not there any more: ${reason.message}`, { cause: reason });
}

/** Whatever takes calls to a server. */
export type Caller = Pick<RpcClient, 'call'>;

// libvirt, "RPC infrastructure", streams: both sides send pieces until one of them says that it is over.
import { PacketStatus, PacketType } from './packet.ts';
import { streamHole } from './procedures.ts';
import type { RpcStream, StreamPiece } from './rpc-stream.ts';
import { XdrWriter } from './xdr-writer.ts';

type Signal = { readonly signal: AbortSignal };

/** What servers of every version take in one packet of a stream. */
const STREAM_PIECE_MAX = 262_120;

/** How a channel reaches the connection that carries it. */
export interface ChannelCarrier {
  transmit(packet: { readonly status: number; readonly type: 3 | 6; readonly payload: Uint8Array }): void;
  /** Settles when what was sent has gone. */
  drained(): Promise<void>;
  /** Nothing is read or sent any more. What the server still sends is thrown away when it was not told that the stream is over. */
  release(how: 'over' | 'broken off'): void;
}

/** An open stream of a connection, in both directions at once. Disposal breaks it off unless it is finished. */
export class StreamChannel<Result> implements Disposable {
  /** What the call that opened it answered. */
  readonly result: Result;
  readonly #carrier: ChannelCarrier;
  readonly #stream: RpcStream;
  #isReleased = false;

  constructor(result: Result, stream: RpcStream, carrier: ChannelCarrier) {
    this.result = result;
    this.#stream = stream;
    this.#carrier = carrier;
  }

  /** What the server sends, in order, until its end. */
  pieces(signal: AbortSignal): AsyncGenerator<StreamPiece> {
    return this.#stream.pieces(signal);
  }

  /** Settles when the connection took it all: a server that takes nothing more is waited for, until the signal. Fails with what ended the stream. */
  async send(piece: StreamPiece, { signal }: Signal): Promise<void> {
    this.#check(signal);
    if (piece.kind === 'hole') {
      const writer = new XdrWriter();
      streamHole.write(writer, { length: BigInt(piece.length), flags: 0 });
      return this.#transmit({ status: PacketStatus.continue, type: PacketType.streamHole, payload: writer.written });
    }
    for (let at = 0; at < piece.bytes.length; at += STREAM_PIECE_MAX) {
      this.#transmit({ status: PacketStatus.continue, payload: piece.bytes.subarray(at, at + STREAM_PIECE_MAX) });
      await within(Promise.race([this.#carrier.drained(), this.#stream.confirmed]), signal);
      this.#check(signal);
    }
  }

  /** Says that it is over, and settles when the server confirmed that it has everything. */
  async finish({ signal }: Signal): Promise<void> {
    this.#transmit({ status: PacketStatus.ok });
    await within(this.#stream.confirmed, signal);
    this.#release('over');
  }

  [Symbol.dispose](): void {
    if (this.#isReleased) return;
    const isOver = this.#stream.failure !== undefined;
    this.#stream.abandon();
    if (!isOver) this.#transmit({ status: PacketStatus.error });
    this.#release(isOver ? 'over' : 'broken off');
  }

  #check(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#stream.failure) throw this.#stream.failure;
  }

  #transmit({
    status,
    type = PacketType.stream,
    payload = new Uint8Array(0),
  }: {
    readonly status: number;
    readonly type?: 3 | 6;
    readonly payload?: Uint8Array;
  }): void {
    if (!this.#isReleased) this.#carrier.transmit({ status, type, payload });
  }

  #release(how: 'over' | 'broken off'): void {
    this.#isReleased = true;
    this.#carrier.release(how);
  }
}

/** Settles with the promise, or rejects with the reason of the signal. */
async function within(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

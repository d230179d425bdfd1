import { malformed, misbehaves } from './refusals.ts';

/** A piece of a download: bytes, or a run without any. */
export type StreamPiece = { readonly kind: 'data'; readonly bytes: Uint8Array } | { readonly kind: 'hole'; readonly length: number };

/** What a client may hold of a download that its reader has not taken yet; then the connection is not read any further. */
const HELD_MAX = 8 * 1024 * 1024;

export interface StreamFlow {
  pause(): void;
  resume(): void;
}

/** The client's end of one stream: what came and was not taken yet, and how it ended. */
export class RpcStream {
  readonly #flow: StreamFlow;
  readonly #pieces: StreamPiece[] = [];
  readonly #confirmed = Promise.withResolvers<void>();
  #heldSize = 0;
  #isPaused = false;
  #isComplete = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(flow: StreamFlow) {
    this.#flow = flow;
    // Whoever waits for the confirmation hears of a failure; nobody has to.
    this.#confirmed.promise.catch(() => {});
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Settles when the server said that the stream is over and well. */
  get confirmed(): Promise<void> {
    return this.#confirmed.promise;
  }

  /** Data from the server; an empty piece is the end of it. */
  data(bytes: Uint8Array): void {
    if (this.#isComplete) throw malformed('sends data after the end of a stream');
    if (bytes.length === 0) this.#isComplete = true;
    else this.#push({ kind: 'data', bytes }, bytes.length);
    this.#wake?.();
  }

  hole(length: bigint): void {
    if (this.#isComplete || length < 0n || length > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`sends a hole of ${length} bytes in a stream`);
    // A hole takes no room, but a server that sends nothing else for ever is not to fill this machine either.
    this.#push({ kind: 'hole', length: Number(length) }, 64);
    this.#wake?.();
  }

  confirm(): void {
    this.#isComplete = true;
    this.#confirmed.resolve();
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#confirmed.reject(this.#failure);
    this.#wake?.();
    this.#letFlow();
  }

  /** What the server sends, in order, until its end. */
  async *pieces(signal: AbortSignal): AsyncGenerator<StreamPiece> {
    for (;;) {
      signal.throwIfAborted();
      const next = this.#pieces.shift();
      if (next) {
        this.#heldSize -= sizeOf(next);
        if (this.#heldSize < HELD_MAX / 2) this.#letFlow();
        yield next;
      } else if (this.#failure) throw this.#failure;
      else if (this.#isComplete) return;
      else await this.#more(signal);
    }
  }

  /** Nobody reads any more. */
  abandon(): void {
    this.fail(misbehaves('libvirt/lost', 'was left in the middle of a stream'));
    this.#pieces.length = 0;
  }

  async #more(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }

  #push(piece: StreamPiece, size: number): void {
    // What a reader that left is still sent goes nowhere.
    if (this.#failure) return;
    this.#pieces.push(piece);
    this.#heldSize += size;
    if (this.#heldSize < HELD_MAX || this.#isPaused) return;
    this.#isPaused = true;
    this.#flow.pause();
  }

  #letFlow(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#flow.resume();
  }
}

const sizeOf = (piece: StreamPiece): number => (piece.kind === 'data' ? piece.bytes.length : 64);

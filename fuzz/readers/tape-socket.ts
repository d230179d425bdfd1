import { Socket, type OnReadOpts } from 'node:net';

/** The other side of a connection as a tape: says what it is given, whatever is said to it. Without a network, so that a conversation takes microseconds. */
export class TapeSocket extends Socket {
  readonly #onread: OnReadOpts | undefined;
  /** Bytes that were said to it. */
  written = 0;
  isOver = false;
  isHeld = false;

  constructor(onread?: OnReadOpts) {
    super();
    this.#onread = onread;
  }

  /** Says a piece, then lets the listener think about it. */
  async say(bytes: Uint8Array): Promise<void> {
    for (let turn = 0; this.isHeld && !this.isOver && turn < TURNS_MAX; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.isOver) return;
    if (this.#onread) this.#fill(bytes, this.#onread);
    else this.emit('data', Buffer.from(bytes));
    for (let turn = 0; turn < TICKS; turn += 1) await Promise.resolve();
  }

  hangUp(): void {
    if (!this.isOver) this.emit('end');
  }

  #fill(bytes: Uint8Array, { buffer, callback }: OnReadOpts): void {
    for (let at = 0; at < bytes.length && !this.isOver;) {
      const room = typeof buffer === 'function' ? buffer() : buffer;
      if (room.length === 0) throw new Error('There is no room for the next bytes.');
      const piece = bytes.subarray(at, at + room.length);
      room.set(piece);
      at += piece.length;
      callback(piece.length, room);
    }
  }

  override write(bytes: Uint8Array | string): boolean {
    this.written += bytes.length;
    return true;
  }

  override end(bytes?: unknown): this {
    if (bytes instanceof Uint8Array) this.write(bytes);
    return this;
  }

  override destroy(): this {
    this.isOver = true;
    return this;
  }

  override pause(): this {
    this.isHeld = true;
    return this;
  }

  override resume(): this {
    this.isHeld = false;
    return this;
  }

  override setTimeout(): this {
    return this;
  }

  override cork(): void {
    // Everything written is counted at once.
  }

  override uncork(): void {
    // See `cork`.
  }
}

/** Steps of promises between a message and the answer to it; there are fewer in both handshakes. */
const TICKS = 24;
/** A listener that is paused for longer has forgotten to go on. */
const TURNS_MAX = 100;

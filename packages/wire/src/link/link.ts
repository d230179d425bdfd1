import type { Readable, Writable } from 'node:stream';

/** Who takes what comes over a link. */
export interface LinkReceiver {
  /** The bytes belong to the receiver. What it throws ends the link. */
  received(bytes: Buffer): void;
  /** Nothing will come any more; called once. */
  ended(reason: Error): void;
}

export interface LinkEnds {
  readonly from: Readable;
  readonly to: Writable;
  /** Lets go of what carries the link. */
  readonly destroy: () => void;
  /** The other side's address; absent where there is none, as with UNIX sockets and programs. */
  readonly remoteAddress?: string;
  /** Whether each write has to be gone before the next: under TLS both would else share a record, which not every peer reads to its end. */
  readonly isStepwise?: boolean;
  /** What is known of the end that the streams do not tell, such as a program's last words. */
  readonly explain?: (reason: Error) => Promise<Error>;
}

/** How long an ended link may take to send its last bytes. */
const LINGER_MS = 2000;

/** A stream of bytes in both directions, whatever carries it. It ends once, and tells its receiver why. */
export class Link implements Disposable {
  readonly #ends: LinkEnds;
  #receiver: LinkReceiver | undefined;
  #failure: Error | undefined;
  #isOver = false;
  #isCorked = false;
  readonly #queue: Uint8Array[] = [];
  #isSending = false;
  #sent: (() => void) | undefined;

  constructor(ends: LinkEnds) {
    this.#ends = ends;
    for (const stream of [ends.from, ends.to]) stream.on('error', (error: Error) => this.#over(error));
    ends.from.on('end', () => this.#over(new Error('the other side hung up')));
    ends.from.on('close', () => this.#over(new Error('the other side hung up')));
  }

  get remoteAddress(): string | undefined {
    return this.#ends.remoteAddress;
  }

  /** Reading begins when there is somebody to read. */
  set receiver(receiver: LinkReceiver) {
    const isFirst = this.#receiver === undefined;
    this.#receiver = receiver;
    if (this.#failure) receiver.ended(this.#failure);
    else if (isFirst) this.#ends.from.on('data', (bytes: Buffer) => this.#deliver(bytes));
  }

  /** Sends the bytes, where it can together with whatever else is sent before the caller's turn ends. False: they are taken slowly, see `drained`. */
  write(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    const { to, isStepwise } = this.#ends;
    if (isStepwise) {
      this.#queue.push(bytes);
      this.#sendNext();
      return !this.#isSending;
    }
    if (!this.#isCorked) {
      this.#isCorked = true;
      to.cork();
      queueMicrotask(() => {
        this.#isCorked = false;
        to.uncork();
      });
    }
    return to.write(bytes);
  }

  /** Settles when what was written has gone, or the link is over. */
  async drained(): Promise<void> {
    const { to } = this.#ends;
    while (!this.#isOver && (this.#isSending || to.writableNeedDrain)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      to.once('drain', resolve);
      to.once('close', resolve);
      this.#sent = resolve;
      await promise;
      to.off('drain', resolve);
      to.off('close', resolve);
    }
  }

  #sendNext(): void {
    if (this.#isSending) return;
    const bytes = this.#queue.shift();
    if (!bytes) return this.#sent?.();
    this.#isSending = true;
    this.#ends.to.write(bytes, () => {
      this.#isSending = false;
      this.#sendNext();
    });
  }

  pause(): void {
    this.#ends.from.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#ends.from.resume();
  }

  /** Ends at once, for this reason. */
  fail(reason: Error): void {
    this.#isOver = true;
    this.#ends.destroy();
    this.#tell(reason);
  }

  /** Sends what is left and ends in peace. */
  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const bytes of this.#queue.splice(0)) this.#ends.to.write(bytes);
    this.#ends.to.end();
    setTimeout(this.#ends.destroy, LINGER_MS).unref();
    this.#ends.to.once('finish', () => this.#ends.destroy());
    this.#tell(new Error('the connection was closed'));
  }

  #deliver(bytes: Buffer): void {
    if (this.#failure) return;
    try {
      this.#receiver?.received(bytes);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #over(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { explain, destroy } = this.#ends;
    if (!explain) {
      destroy();
      this.#tell(reason);
      return;
    }
    void explain(reason).then((explained) => {
      destroy();
      this.#tell(explained);
    });
  }

  #tell(reason: Error): void {
    if (this.#failure) return;
    this.#failure = reason;
    this.#receiver?.ended(reason);
  }
}

import { misbehaves } from './refusals.ts';

/**
 * Where the bytes of a stream go. The taker says where it wants the next ones, so that content lands in the buffer it is meant for without a copy
 * on the way.
 */
export interface Intake {
  /** Room for the next bytes, never empty. The same until some were put there. */
  room(): Uint8Array;
  /** `count` bytes were put at the start of the room. What it throws ends the stream. */
  filled(count: number): void;
  /** No more bytes will come. */
  ended(error: Error): void;
}

/** Bytes that came before anybody waited for them. A peer that keeps to the protocol sends one message at a time, which is far shorter. */
const HELD_MAX = 256 * 1024;
const ROOM_SIZE = 16 * 1024;

interface Waiting {
  readonly size: number;
  readonly resolve: (bytes: Buffer) => void;
  readonly reject: (reason: Error) => void;
}

/** Gives a stream piece by piece to code that awaits it: for handshakes, which are short. */
export class StepIntake implements Intake {
  readonly #room = Buffer.allocUnsafe(ROOM_SIZE);
  readonly #held: Buffer[] = [];
  #heldSize = 0;
  #waiting: Waiting | undefined;
  #end: Error | undefined;

  /** The next `size` bytes. One caller at a time. */
  read(size: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { size, resolve, reject };
      this.#serve();
    });
  }

  /** Bytes that nobody asked for yet. */
  get heldSize(): number {
    return this.#heldSize;
  }

  room(): Uint8Array {
    return this.#room;
  }

  filled(count: number): void {
    this.#held.push(Buffer.from(this.#room.subarray(0, count)));
    this.#heldSize += count;
    this.#serve();
    if (this.#heldSize > HELD_MAX) throw misbehaves('nbd/unsolicited', 'sends more than it was asked for');
  }

  ended(error: Error): void {
    this.#end = error;
    this.#serve();
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    if (this.#heldSize >= waiting.size) {
      this.#waiting = undefined;
      const all = this.#held.length === 1 && this.#held[0] ? this.#held[0] : Buffer.concat(this.#held);
      this.#held.length = 0;
      this.#heldSize -= waiting.size;
      if (this.#heldSize > 0) this.#held.push(all.subarray(waiting.size));
      waiting.resolve(all.subarray(0, waiting.size));
    } else if (this.#end) {
      this.#waiting = undefined;
      waiting.reject(this.#end);
    }
  }
}

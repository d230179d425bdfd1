import type { Intake } from './intake.ts';
import type { ReplyStyle } from './nbd-export.ts';
import { Command, EXTENDED_REQUEST_MAGIC, PAYLOAD_SIZE_DEFAULT, REQUEST_MAGIC } from './protocol.ts';

/** A request as it came in. */
export interface IncomingRequest {
  readonly command: number;
  readonly flags: number;
  readonly cookie: bigint;
  readonly offset: number;
  /** The same as it came: the answer repeats it to the byte, wherever it points. */
  readonly askedOffset: bigint;
  readonly length: number;
  /** What is to be written. */
  readonly payload?: Uint8Array;
}

/** The server's side of the transmission phase: takes the stream to requests. What it throws ends the connection. */
export class RequestIntake implements Intake {
  readonly #take: (request: IncomingRequest) => void;
  readonly #left: () => void;
  readonly #isExtended: boolean;
  readonly #header: Buffer;
  #target: Uint8Array;
  #at = 0;
  #writing: Omit<IncomingRequest, 'payload'> | undefined;

  constructor(replies: ReplyStyle, on: { take(request: IncomingRequest): void; left(): void }) {
    this.#isExtended = replies === 'extended';
    this.#header = Buffer.alloc(this.#isExtended ? 32 : 28);
    this.#target = this.#header;
    this.#take = on.take;
    this.#left = on.left;
  }

  room(): Uint8Array {
    return this.#at === 0 ? this.#target : this.#target.subarray(this.#at);
  }

  filled(count: number): void {
    this.#at += count;
    if (this.#at < this.#target.length) return;
    this.#at = 0;
    const writing = this.#writing;
    if (writing) {
      const payload = this.#target;
      this.#writing = undefined;
      this.#target = this.#header;
      return this.#take({ ...writing, payload });
    }
    this.#begin();
  }

  ended(): void {
    this.#left();
  }

  #begin(): void {
    const header = this.#header;
    if (header.readUInt32BE(0) !== (this.#isExtended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC)) throw new Error('A request does not begin as one.');
    const request = {
      flags: header.readUInt16BE(4),
      command: header.readUInt16BE(6),
      cookie: header.readBigUInt64BE(8),
      // Beyond 2^53 no disk reaches; the number is then merely far outside.
      offset: Number(header.readBigUInt64BE(16)),
      askedOffset: header.readBigUInt64BE(16),
      length: this.#isExtended ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(24),
    };
    if (request.command !== Command.write || request.length === 0) return this.#take(request);
    // Longer than what was named as the most: there is no way on in this stream but through all of it.
    if (request.length > PAYLOAD_SIZE_DEFAULT) throw new Error('A write is longer than what this server takes.');
    this.#writing = request;
    this.#target = Buffer.allocUnsafeSlow(request.length);
  }
}

import { ChunkedBody } from './chunked-body.ts';
import { malformed } from './refusals.ts';
import { framingOf, type ResponseHead } from './response-head.ts';

/** Decoded apart from where the content goes, in pieces of this size. */
const SCRATCH_SIZE = 64 * 1024;

/** Where the bytes of one body go. Its length is known before; more or fewer bytes are refused. */
export interface BodyIntake {
  /** Where the next bytes from the line go; never empty before the end. */
  room(): Uint8Array;
  filled(count: number): void;
  readonly isAtEnd: boolean;
  /** Bytes of content that are in place. */
  readonly done: number;
  /** The body ends with the connection. */
  readonly endsWithConnection: boolean;
}

/** `into` is exactly as long as the content that the head promises. */
export function openBody(head: ResponseHead, into: Uint8Array): BodyIntake {
  const framing = framingOf(head);
  if (framing.kind === 'chunked') return new ChunkedIntake(into);
  if (framing.kind === 'length' && framing.length !== into.length) {
    throw malformed(`names a range of ${into.length} bytes and sends ${framing.length}`);
  }
  return new PlainIntake(into, framing.kind === 'until-close');
}

/** Bytes go straight to their place. */
class PlainIntake implements BodyIntake {
  readonly endsWithConnection: boolean;
  readonly #into: Uint8Array;
  #done = 0;

  constructor(into: Uint8Array, endsWithConnection: boolean) {
    this.#into = into;
    this.endsWithConnection = endsWithConnection;
  }

  get isAtEnd(): boolean {
    return this.#done === this.#into.length;
  }

  get done(): number {
    return this.#done;
  }

  room(): Uint8Array {
    return this.#into.subarray(this.#done);
  }

  filled(count: number): void {
    this.#done += count;
  }
}

class ChunkedIntake implements BodyIntake {
  readonly endsWithConnection = false;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE);
  readonly #body: ChunkedBody;
  readonly #length: number;

  constructor(into: Uint8Array) {
    this.#body = new ChunkedBody(into);
    this.#length = into.length;
  }

  get isAtEnd(): boolean {
    return this.#body.isAtEnd;
  }

  get done(): number {
    return this.#body.done;
  }

  room(): Uint8Array {
    return this.#scratch;
  }

  filled(count: number): void {
    const taken = this.#body.take(this.#scratch.subarray(0, count));
    if (!this.#body.isAtEnd) return;
    if (taken < count) throw malformed('sends more than was asked for');
    if (this.#body.done < this.#length) throw malformed(`names a range of ${this.#length} bytes and sends ${this.#body.done}`);
  }
}

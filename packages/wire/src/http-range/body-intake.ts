import type { BodyPlace } from './body-place.ts';
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
  /** The body ends with the connection. */
  readonly endsWithConnection: boolean;
}

/** `place` is exactly as long as the content that the head promises. */
export function openBody(head: ResponseHead, place: BodyPlace): BodyIntake {
  const framing = framingOf(head);
  if (framing.kind === 'chunked') return new ChunkedIntake(place);
  if (framing.kind === 'length' && framing.length !== place.length) {
    throw malformed(`names a range of ${place.length} bytes and sends ${framing.length}`);
  }
  return new PlainIntake(place, framing.kind === 'until-close');
}

/** Bytes go straight to their place. */
class PlainIntake implements BodyIntake {
  readonly endsWithConnection: boolean;
  readonly #place: BodyPlace;
  #left: number;

  constructor(place: BodyPlace, endsWithConnection: boolean) {
    this.#place = place;
    this.#left = place.length;
    this.endsWithConnection = endsWithConnection;
  }

  get isAtEnd(): boolean {
    return this.#left === 0;
  }

  room(): Uint8Array {
    return this.#place.room();
  }

  filled(count: number): void {
    this.#left -= count;
    this.#place.filled(count);
  }
}

class ChunkedIntake implements BodyIntake {
  readonly endsWithConnection = false;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE);
  readonly #body: ChunkedBody;
  readonly #length: number;

  constructor(place: BodyPlace) {
    this.#body = new ChunkedBody(place);
    this.#length = place.length;
  }

  get isAtEnd(): boolean {
    return this.#body.isAtEnd;
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

/** Where the content of one body belongs. */
export interface BodyPlace {
  /** Bytes that it takes, exactly. */
  readonly length: number;
  /** Bytes that are in place: what is asked for again after a cut begins behind them. */
  readonly done: number;
  /** Room for the next bytes; never empty before the end, never beyond it. */
  room(): Uint8Array;
  /** `count` bytes were put at the start of the room. */
  filled(count: number): void;
}

/** Memory that the content fills from its start. */
export class MemoryPlace implements BodyPlace {
  readonly #into: Uint8Array;
  #done = 0;

  constructor(into: Uint8Array) {
    this.#into = into;
  }

  get length(): number {
    return this.#into.length;
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

/** Gets the next bytes of a content, which are the taker's until it returns. */
export type TakePiece = (bytes: Uint8Array) => void;

/** Somebody who takes the content piece by piece, out of one buffer that is used again for the next piece. */
export class PassingPlace implements BodyPlace {
  readonly length: number;
  readonly #buffer: Uint8Array;
  readonly #take: TakePiece;
  #done = 0;
  #held = 0;

  constructor(length: number, o: { readonly buffer: Uint8Array; readonly take: TakePiece }) {
    this.length = length;
    this.#buffer = o.buffer;
    this.#take = o.take;
  }

  /** What was taken; bytes that still wait for their piece to be whole are not there yet. */
  get done(): number {
    return this.#done;
  }

  room(): Uint8Array {
    const size = this.#pieceSize();
    return this.#held === 0 && size === this.#buffer.length ? this.#buffer : this.#buffer.subarray(this.#held, size);
  }

  filled(count: number): void {
    this.#held += count;
    const size = this.#pieceSize();
    if (this.#held < size) return;
    this.#held = 0;
    this.#take(this.#buffer.subarray(0, size));
    this.#done += size;
  }

  #pieceSize(): number {
    return Math.min(this.#buffer.length, this.length - this.#done);
  }
}

import { HyperError } from '@hypersdk/domain';

/** A piece of a file in the order of its bytes: some of them, or a run without any. */
export type FilePiece = { readonly kind: 'data'; readonly bytes: Uint8Array } | { readonly kind: 'hole'; readonly length: number };

/** Reads a file from pieces of any sizes. */
export class PieceReader implements AsyncDisposable {
  readonly #pieces: AsyncIterator<FilePiece>;
  #current: FilePiece = { kind: 'hole', length: 0 };
  #position = 0;

  constructor(pieces: AsyncIterable<FilePiece>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  async fill(into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length;) {
      const piece = await this.#take(into.length - done);
      if (piece.kind === 'data') into.set(piece.bytes, done);
      else into.fill(0, done, done + piece.length);
      done += lengthOf(piece);
    }
  }

  async skipTo(offset: number): Promise<void> {
    while (this.#position < offset) await this.#take(offset - this.#position);
  }

  /** Makes sure that nothing follows. */
  async end(): Promise<void> {
    if (lengthOf(this.#current) > 0 || (await this.#more())) throw wrongLength(`goes on behind byte ${this.#position}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pieces.return?.();
  }

  /** What comes next, `max` bytes of it at most. */
  async #take(max: number): Promise<FilePiece> {
    if (lengthOf(this.#current) === 0 && !(await this.#more())) throw wrongLength(`ends at byte ${this.#position}`);
    const length = Math.min(max, lengthOf(this.#current));
    const [taken, rest] = split(this.#current, length);
    this.#current = rest;
    this.#position += length;
    return taken;
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const next = await this.#pieces.next();
      if (next.done) return false;
      this.#current = next.value;
      if (lengthOf(next.value) > 0) return true;
    }
  }
}

const lengthOf = (piece: FilePiece): number => (piece.kind === 'data' ? piece.bytes.length : piece.length);

function split(piece: FilePiece, at: number): readonly [FilePiece, FilePiece] {
  if (piece.kind === 'hole')
    return [
      { kind: 'hole', length: at },
      { kind: 'hole', length: piece.length - at },
    ];
  return [
    { kind: 'data', bytes: piece.bytes.subarray(0, at) },
    { kind: 'data', bytes: piece.bytes.subarray(at) },
  ];
}

const wrongLength = (how: string): HyperError => new HyperError('verify/mismatch', `What was stored is not what was sent: it ${how}.`);

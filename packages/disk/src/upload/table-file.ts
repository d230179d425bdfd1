import type { WritableFile } from '../file/byte-file.ts';

/** What tables are kept in: a cluster of the image that is planned. */
const CHUNK = 64 * 1024;

/** The tables of an image without its content, as they will stand in its file. Holds only what was written, which of a terabyte of data is 128 MiB. */
export class TableFile implements WritableFile {
  readonly path = 'the image that is sent';
  readonly #chunks = new Map<number, Uint8Array>();
  #size = 0;

  /** Length of the file, content included. */
  get size(): number {
    return this.#size;
  }

  /** What was written, in order of its offsets; no two lie over each other. */
  tables(): readonly { readonly at: number; readonly bytes: Uint8Array }[] {
    return [...this.#chunks].map(([at, bytes]) => ({ at, bytes })).toSorted((a, b) => a.at - b.at);
  }

  read(offset: number, into: Uint8Array): void {
    this.#each(offset, into, (chunk, { from, piece }) => {
      if (chunk) piece.set(chunk.subarray(from, from + piece.length));
      else piece.fill(0);
    });
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#each(offset, bytes, (chunk, { at, from, piece }) => {
      const kept = chunk ?? new Uint8Array(CHUNK);
      kept.set(piece, from);
      this.#chunks.set(at, kept);
    });
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  truncate(size: number): void {
    this.#size = size;
  }

  allocate(): void {
    // What is sent takes its room where it arrives.
  }

  #each(
    offset: number,
    bytes: Uint8Array,
    visit: (chunk: Uint8Array | undefined, place: { readonly at: number; readonly from: number; readonly piece: Uint8Array }) => void,
  ): void {
    for (let done = 0; done < bytes.length;) {
      const from = (offset + done) % CHUNK;
      const at = offset + done - from;
      const piece = bytes.subarray(done, done + CHUNK - from);
      visit(this.#chunks.get(at), { at, from, piece });
      done += piece.length;
    }
  }
}

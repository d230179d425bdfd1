import { HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';
import { BoundedCache } from '../format/bounded-cache.ts';
import { isHeaderOf, readHeader, refuse } from './header.ts';
import { CHUNK_SIZE, openChunk, payloadKey, PLACE_SIZE, SALT_SIZE, TAG_SIZE } from './payload.ts';

/** Tables are read in small pieces, several of them side by side: 1 MiB of chunks for each reader. */
const CHUNKS_KEPT = 16;
/** Whole chunks are read from the medium this many at a time. */
const CHUNKS_PER_READ = 4;

/**
 * The content of a file in the age format, decrypted where it is read. Each chunk is authentic or `encryption/damaged`; that the file ends where it should is checked
 * when it is opened. It has no descriptor, so nothing copies its bytes past the decryption.
 */
export class AgeFile implements ByteFile {
  readonly path: string;
  readonly paths?: readonly string[];
  readonly size: number;
  readonly #sealed: ByteFile;
  readonly #key: Uint8Array;
  readonly #start: number;
  readonly #lastIndex: number;
  readonly #chunks = new BoundedCache<Uint8Array>(CHUNKS_KEPT);
  readonly #piece = Buffer.alloc(CHUNKS_PER_READ * PLACE_SIZE);

  private constructor(sealed: ByteFile, o: { readonly key: Uint8Array; readonly start: number }) {
    const length = sealed.size - o.start;
    this.path = sealed.path;
    if (sealed.paths) this.paths = sealed.paths;
    this.#sealed = sealed;
    this.#key = o.key;
    this.#start = o.start;
    this.#lastIndex = Math.ceil(length / PLACE_SIZE) - 1;
    this.size = length - (this.#lastIndex + 1) * TAG_SIZE;
  }

  /** Takes ownership of the file unless it throws. */
  static open(sealed: ByteFile, fileKey: Uint8Array): AgeFile {
    const header = readHeader(sealed);
    if (!header) throw refuse('encryption/malformed', sealed, 'it is no file in the age format');
    if (!isHeaderOf(header, fileKey)) throw refuse('encryption/wrong-key', sealed, 'its header was not written with this key');
    const start = header.bytes.length + SALT_SIZE;
    const lastPlace = (sealed.size - start) % PLACE_SIZE;
    // Every chunk has a tag, and only an empty file ends in an empty one.
    if (sealed.size < start + TAG_SIZE || (lastPlace > 0 && lastPlace < TAG_SIZE)) throw cutShort(sealed);
    if (lastPlace === TAG_SIZE && sealed.size > start + TAG_SIZE) throw cutShort(sealed);
    const salt = new Uint8Array(SALT_SIZE);
    sealed.read(header.bytes.length, salt);
    const file = new AgeFile(sealed, { key: payloadKey(fileKey, salt), start });
    file.#openLast();
    return file;
  }

  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.size) {
      throw new HyperError(
        'image/malformed',
        `The content of ${this.path} ends at byte ${this.size}, before byte ${offset + into.length} that it refers to.`,
        { detail: { path: this.path, offset, length: into.length } },
      );
    }
    for (let done = 0; done < into.length;) done += this.#readSome(offset + done, into.subarray(done));
  }

  *extents(range: ByteRange): Generator<Extent> {
    if (range.length > 0) yield { ...range, kind: 'data' };
  }

  [Symbol.dispose](): void {
    this.#sealed[Symbol.dispose]();
  }

  /** Reads a part of one chunk, or several whole ones; answers how many bytes. */
  #readSome(offset: number, into: Uint8Array): number {
    const index = Math.floor(offset / CHUNK_SIZE);
    const at = offset - index * CHUNK_SIZE;
    const whole = at === 0 ? Math.min(CHUNKS_PER_READ, Math.floor(into.length / CHUNK_SIZE)) : 0;
    if (whole > 0) return this.#readWhole(index, into.subarray(0, whole * CHUNK_SIZE));
    const chunk = this.#chunks.get(index, () => this.#open(index, this.#load(index, 1)));
    const part = chunk.subarray(at, at + into.length);
    into.set(part);
    return part.length;
  }

  #readWhole(first: number, into: Uint8Array): number {
    const count = into.length / CHUNK_SIZE;
    const sealed = this.#load(first, count);
    for (let each = 0; each < count; each += 1)
      into.set(this.#open(first + each, sealed.subarray(each * PLACE_SIZE, (each + 1) * PLACE_SIZE)), each * CHUNK_SIZE);
    return into.length;
  }

  #load(first: number, count: number): Uint8Array {
    const offset = this.#start + first * PLACE_SIZE;
    const piece = this.#piece.subarray(0, Math.min(count * PLACE_SIZE, this.#sealed.size - offset));
    this.#sealed.read(offset, piece);
    return piece;
  }

  #open(index: number, sealed: Uint8Array): Uint8Array {
    const bytes = openChunk(this.#key, { index, isLast: index === this.#lastIndex, sealed });
    if (bytes) return bytes;
    const offset = this.#start + index * PLACE_SIZE;
    throw new HyperError(
      'encryption/damaged',
      `${this.path} is damaged: bytes ${offset} to ${offset + sealed.length} of the file are not what was encrypted there.`,
      { detail: { path: this.path, offset, length: sealed.length, chunk: index } },
    );
  }

  /** A file that lost its end, or got a longer one, has no chunk there that says it is the last. */
  #openLast(): void {
    if (!openChunk(this.#key, { index: this.#lastIndex, isLast: true, sealed: this.#load(this.#lastIndex, 1) })) throw cutShort(this.#sealed);
  }
}

const cutShort = (file: ByteFile): HyperError =>
  new HyperError('encryption/damaged', `${file.path} is damaged: it does not end where the encrypted content ended.`, {
    detail: { path: file.path, size: file.size },
  });

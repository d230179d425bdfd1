import { HyperError } from '@hypersdk/domain';
import type { TargetFile } from '../file/target-file.ts';
import { isZero } from '../stream/is-zero.ts';
import { CHUNK_SIZE, openChunk, PLACE_SIZE, sealChunk, type ChunkPlace } from './payload.ts';

/** What every thread needs to seal chunks of one file. Plain data; `key` is secret. */
export interface Sealing {
  readonly key: Uint8Array;
  /** Where in the file the first chunk lies. */
  readonly start: number;
  /** End of what an earlier attempt under this key may have written; 0 when there was none. */
  readonly writtenTo: number;
}

/** Chunks that go out in one write. */
const CHUNKS_PER_WRITE = 4;
/** What a medium writes whole or not at all, at the least. */
const SECTOR_SIZE = 512;

/**
 * Puts chunks in their places, each sealed once. Where an earlier attempt may have sealed one already, only the very same bytes are accepted: other content
 * under the same key and number would give both away (RFC 8439, section 4).
 */
export class ChunkSealer {
  readonly #file: TargetFile;
  readonly #sealing: Sealing;
  readonly #places = Buffer.alloc(CHUNKS_PER_WRITE * PLACE_SIZE);

  constructor(file: TargetFile, sealing: Sealing) {
    this.#file = file;
    this.#sealing = sealing;
  }

  /** Seals chunks that lie side by side; only one that is the last of the file is shorter than the others. */
  seal({ index: first, isLast }: ChunkPlace, bytes: Uint8Array): void {
    let pending = 0;
    let from = first;
    for (let at = 0, index = first; at < bytes.length || at === 0; at += CHUNK_SIZE, index += 1) {
      const chunk = { index, isLast, bytes: bytes.subarray(at, at + CHUNK_SIZE) };
      const place = this.#places.subarray(pending);
      const size = sealChunk(this.#sealing.key, chunk, place);
      this.#requireSame(chunk, place.subarray(0, size));
      pending += size;
      if (pending < this.#places.length) continue;
      this.#write(from, pending);
      from = index + 1;
      pending = 0;
    }
    if (pending > 0) this.#write(from, pending);
  }

  /** A chunk that was sealed before, from the medium; undefined when what lies there is none. */
  open(place: ChunkPlace): Uint8Array | undefined {
    const sealed = Buffer.alloc(PLACE_SIZE);
    this.#file.read(this.#offsetOf(place.index), sealed);
    return openChunk(this.#sealing.key, { ...place, sealed });
  }

  #offsetOf(index: number): number {
    return this.#sealing.start + index * PLACE_SIZE;
  }

  #write(first: number, length: number): void {
    this.#file.write(this.#offsetOf(first), this.#places.subarray(0, length));
  }

  #requireSame(chunk: ChunkPlace & { readonly bytes: Uint8Array }, sealed: Uint8Array): void {
    const offset = this.#offsetOf(chunk.index);
    if (offset >= this.#sealing.writtenTo) return;
    const before = Buffer.alloc(sealed.length);
    this.#file.read(offset, before);
    if (this.#agrees(before, sealed, offset) || this.#isOtherEnd(chunk, before)) return;
    throw new HyperError(
      'source/changed',
      `${this.#file.path}: what was to be encrypted is not what the earlier attempt encrypted at this place, and one key must not encrypt both.`,
      { detail: { path: this.#file.path, chunk: chunk.index } },
    );
  }

  /** The last chunk has a nonce of its own, so one content may be sealed as the last and as one in the middle. */
  #isOtherEnd({ index, isLast, bytes }: ChunkPlace & { readonly bytes: Uint8Array }, before: Uint8Array): boolean {
    const opened = openChunk(this.#sealing.key, { index, isLast: !isLast, sealed: before });
    return opened !== undefined && Buffer.compare(opened, bytes) === 0;
  }

  /** Whether all that reached the medium of an earlier write is what would be written now: a kill leaves whole sectors of each file, and zeros where none were written. */
  #agrees(before: Uint8Array, now: Uint8Array, offset: number): boolean {
    if (Buffer.compare(before, now) === 0) return true;
    for (let at = 0; at < now.length;) {
      const { fileOffset, length } = this.#file.locate(offset + at);
      const end = Math.min(now.length, at + length, at + SECTOR_SIZE - (fileOffset % SECTOR_SIZE));
      const sector = before.subarray(at, end);
      if (!isZero(sector) && Buffer.compare(sector, now.subarray(at, end)) !== 0) return false;
      at = end;
    }
    return true;
  }
}

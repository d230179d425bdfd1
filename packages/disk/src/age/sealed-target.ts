import { setImmediate } from 'node:timers/promises';
import { endOf, HyperError, type ByteRange } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { WritableFile } from '../file/byte-file.ts';
import type { TargetFile } from '../file/target-file.ts';
import { ChunkSealer, type Sealing } from './chunk-sealer.ts';
import { ChunkSet } from './chunk-set.ts';
import type { OpenChunks } from './open-chunks.ts';
import { CHUNK_SIZE, PLACE_SIZE, TAG_SIZE } from './payload.ts';
import type { SealedUnits } from './unit-sealer.ts';

/** Open chunks in memory beyond those that changed since the last checkpoint: 16 MiB. */
const CHUNKS_KEPT = 256;
/** The longest that sealing the rest holds up whoever else works on this thread. */
const TURN_MS = 20;

interface OpenChunk {
  readonly bytes: Buffer;
  isDirty: boolean;
}

export interface SealedTargetParts {
  readonly medium: TargetFile;
  readonly sealing: Sealing;
  readonly open: OpenChunks;
  /** Chunks that an earlier attempt sealed for certain, as pairs of first and count. */
  readonly sealed?: Iterable<number>;
}

/**
 * The content of an encrypted file while it is written. A chunk whose every byte came from movers, which write each once, is sealed in its place at once; all others,
 * tables above all, stay open beside the file, because they may be written again, and are sealed when the image is complete. No chunk is sealed twice.
 */
export class SealedTarget implements WritableFile, Disposable {
  readonly path: string;
  readonly #medium: TargetFile;
  readonly #sealing: Sealing;
  readonly #sealer: ChunkSealer;
  readonly #store: OpenChunks;
  readonly #open = new Map<number, OpenChunk>();
  /** Bytes of each open chunk that movers wrote. */
  readonly #covered = new Map<number, number>();
  readonly #sealed = new ChunkSet();
  /** Runs sealed since the last `settle`. */
  #runs: number[] = [];
  #late: ByteRange[] = [];
  #size = 0;

  constructor({ medium, sealing, open, sealed = [] }: SealedTargetParts) {
    this.path = medium.path;
    this.#medium = medium;
    this.#sealing = sealing;
    this.#sealer = new ChunkSealer(medium, sealing);
    this.#store = open;
    const [...pairs] = sealed;
    for (let at = 0; at < pairs.length; at += 2) this.#sealed.add(pairs[at] ?? 0, pairs[at + 1] ?? 0);
    for (const index of open.indexes()) if (this.#sealed.has(index)) open.retire(index);
  }

  /** Takes what a mover wrote. */
  take({ runs, parts }: SealedUnits): void {
    for (let at = 0; at < runs.length; at += 2) this.#markSealed(runs[at] ?? 0, runs[at + 1] ?? 0);
    for (const { offset, bytes } of parts) {
      const index = Math.floor(offset / CHUNK_SIZE);
      this.#put(offset, bytes);
      const covered = (this.#covered.get(index) ?? 0) + bytes.length;
      this.#covered.set(index, covered);
      if (covered === CHUNK_SIZE) this.#sealWhole(index);
    }
  }

  /** What tables are written with: such chunks stay open to the end. */
  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = offset + done;
      const piece = bytes.subarray(done, done + CHUNK_SIZE - (at % CHUNK_SIZE));
      this.#put(at, piece);
      done += piece.length;
    }
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const at = (offset + done) % CHUNK_SIZE;
      const index = Math.floor((offset + done) / CHUNK_SIZE);
      const piece = into.subarray(done, done + CHUNK_SIZE - at);
      const chunk = this.#find(index);
      if (chunk) piece.set(chunk.subarray(at, at + piece.length));
      else piece.fill(0);
      done += piece.length;
    }
  }

  truncate(size: number): void {
    const last = Math.floor(size / CHUNK_SIZE);
    for (const index of new Set([...this.#open.keys(), ...this.#store.indexes()])) {
      if (index === last) this.#openChunk(index).bytes.fill(0, size % CHUNK_SIZE);
      if (index < last || (index === last && size % CHUNK_SIZE > 0)) continue;
      this.#open.delete(index);
      this.#store.retire(index);
    }
    this.#size = size;
  }

  /** There is nothing to reserve: every byte of an encrypted file is written. What nobody wrote is sealed as zeros in the end. */
  allocate(range: ByteRange): void {
    this.#size = Math.max(this.#size, endOf(range));
  }

  /** Writes the open chunks that changed beside the file, and answers the chunks sealed since, for the checkpoint. Makes nothing durable. */
  settle(): readonly number[] {
    for (const [index, chunk] of this.#open) {
      if (chunk.isDirty) this.#store.write(index, chunk.bytes);
      chunk.isDirty = false;
    }
    for (const index of this.#open.keys()) {
      if (this.#open.size <= CHUNKS_KEPT) break;
      this.#open.delete(index);
    }
    const runs = this.#runs;
    this.#runs = [];
    return runs;
  }

  async sync(): Promise<void> {
    await this.#store.sync();
  }

  confirm(): void {
    this.#store.confirm();
  }

  /** Where in the file those chunks lie that hold some of these bytes. */
  placeOf({ offset, length }: ByteRange): ByteRange {
    const first = Math.floor(offset / CHUNK_SIZE);
    const count = Math.ceil((offset + length) / CHUNK_SIZE) - first;
    return { offset: this.#sealing.start + first * PLACE_SIZE, length: count * PLACE_SIZE };
  }

  /** Seals what is still open, zeros where nothing was written, and the end. The file is complete afterwards, not yet durable. */
  async seal(o: Cancel): Promise<void> {
    const last = Math.max(0, Math.ceil(this.#size / CHUNK_SIZE) - 1);
    const zeros = new Uint8Array(CHUNK_SIZE);
    let since = performance.now();
    for (let index = 0; index < last; index += 1) {
      if (this.#sealed.has(index)) continue;
      this.#sealer.seal({ index, isLast: false }, this.#findOpen(index) ?? zeros);
      this.#remember(index);
      if (performance.now() - since < TURN_MS) continue;
      await setImmediate();
      o.signal.throwIfAborted();
      since = performance.now();
    }
    const end = this.#find(last) ?? zeros;
    const length = this.#size - last * CHUNK_SIZE;
    // Its nonce says that it is the last, so that it may have been sealed as another one before.
    this.#sealer.seal({ index: last, isLast: true }, end.subarray(0, length));
    this.#remember(last);
    this.#medium.truncate(this.#sealing.start + last * PLACE_SIZE + length + TAG_SIZE);
  }

  /** What was sealed last of all, tables and zeros, as ranges of the content: nobody who reads leaves back sees all of it. */
  get sealedLate(): readonly ByteRange[] {
    return this.#late.map(({ offset, length }) => ({ offset, length: Math.min(length, this.#size - offset) }));
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }

  #remember(index: number): void {
    const run = this.#late.at(-1);
    const offset = index * CHUNK_SIZE;
    if (run && endOf(run) === offset) this.#late[this.#late.length - 1] = { ...run, length: run.length + CHUNK_SIZE };
    else this.#late.push({ offset, length: CHUNK_SIZE });
  }

  #put(offset: number, bytes: Uint8Array): void {
    const index = Math.floor(offset / CHUNK_SIZE);
    if (this.#sealed.has(index)) throw new HyperError('internal/unexpected', `Chunk ${index} of ${this.path} is sealed and was to be written again.`);
    const chunk = this.#openChunk(index);
    chunk.bytes.set(bytes, offset % CHUNK_SIZE);
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  /** To be changed. */
  #openChunk(index: number): OpenChunk {
    const chunk = this.#open.get(index) ?? { bytes: this.#store.read(index) ?? Buffer.alloc(CHUNK_SIZE), isDirty: true };
    chunk.isDirty = true;
    this.#open.set(index, chunk);
    return chunk;
  }

  #find(index: number): Uint8Array | undefined {
    if (!this.#sealed.has(index)) return this.#findOpen(index);
    // An attempt that was killed late may have sealed its last chunk as the last.
    const bytes = this.#sealer.open({ index, isLast: false }) ?? this.#sealer.open({ index, isLast: true });
    if (bytes) return bytes;
    throw new HyperError('checkpoint/malformed', `${this.path} is not what its checkpoint describes: chunk ${index} is damaged.`);
  }

  #findOpen(index: number): Uint8Array | undefined {
    return this.#open.get(index)?.bytes ?? this.#store.read(index);
  }

  #sealWhole(index: number): void {
    const bytes = this.#findOpen(index);
    if (bytes) this.#sealer.seal({ index, isLast: false }, bytes);
    this.#open.delete(index);
    this.#store.retire(index);
    this.#markSealed(index, 1);
  }

  #markSealed(first: number, count: number): void {
    this.#sealed.add(first, count);
    this.#covered.delete(first);
    this.#size = Math.max(this.#size, (first + count) * CHUNK_SIZE);
    const last = this.#runs.length - 2;
    if (last >= 0 && (this.#runs[last] ?? 0) + (this.#runs[last + 1] ?? 0) === first) this.#runs[last + 1] = (this.#runs[last + 1] ?? 0) + count;
    else this.#runs.push(first, count);
  }
}

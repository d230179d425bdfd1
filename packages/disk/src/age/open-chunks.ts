// Layout of a file of open chunks, see docs/formats/open-chunks.md: slots in pairs, each {chunk u64, generation u64, nonce, content, tag}, big-endian.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { fdatasync, fstatSync } from 'node:fs';
import { promisify } from 'node:util';
import { roundUp } from '@hypersdk/domain';
import { WritableDiskFile } from '../file/disk-file.ts';
import { toTargetError } from '../file/io-error.ts';
import { toByteCount } from '../file/safe-number.ts';
import { CHUNK_SIZE, TAG_SIZE } from './payload.ts';

const ALGORITHM = 'chacha20-poly1305';
const NAMED_SIZE = 16;
const NONCE_SIZE = 12;
const CONTENT_AT = NAMED_SIZE + NONCE_SIZE;
/** Whole pages, so that writing one slot never touches another. */
const SLOT_SIZE = roundUp(CONTENT_AT + CHUNK_SIZE + TAG_SIZE, 4096);

/** Where the newest content of a chunk lies, and where that which the checkpoint counts on. */
interface Kept {
  readonly pair: number;
  readonly slot: number;
  readonly confirmed?: number;
}

const syncData = promisify(fdatasync);

/**
 * Chunks that may still change, beside the encrypted file. Each writing is sealed under a key of its own and a random nonce, so a chunk may be written as often
 * as its content changes. Of its two slots the one that a checkpoint counts on stays until the next checkpoint holds.
 */
export class OpenChunks implements Disposable {
  readonly #file: WritableDiskFile;
  readonly #key: Uint8Array;
  readonly #kept = new Map<number, Kept>();
  readonly #slot = Buffer.alloc(SLOT_SIZE);
  #free: number[] = [];
  #retired: number[] = [];
  #leaving: readonly number[] = [];
  #pairCount = 0;
  #generation = 0;

  private constructor(file: WritableDiskFile, fileKey: Uint8Array) {
    this.#file = file;
    this.#key = Buffer.from(hkdfSync('sha256', fileKey, new Uint8Array(0), 'hypersdk open chunks', 32));
  }

  static create(path: string, fileKey: Uint8Array): OpenChunks {
    return new OpenChunks(WritableDiskFile.open(path, 'create'), fileKey);
  }

  /** Goes on with what an earlier attempt kept. What is torn was being written when it ended, and its pair has the content before. */
  static continue(path: string, fileKey: Uint8Array): OpenChunks {
    const chunks = new OpenChunks(WritableDiskFile.open(path, 'continue'), fileKey);
    try {
      chunks.#load();
      return chunks;
    } catch (error) {
      chunks[Symbol.dispose]();
      throw error;
    }
  }

  has(index: number): boolean {
    return this.#kept.has(index);
  }

  indexes(): Iterable<number> {
    return this.#kept.keys();
  }

  read(index: number): Buffer | undefined {
    const kept = this.#kept.get(index);
    return kept && this.#open(kept.pair * 2 + kept.slot)?.bytes;
  }

  write(index: number, bytes: Uint8Array): void {
    const before = this.#kept.get(index);
    const pair = before?.pair ?? this.#takePair();
    const slot = before?.confirmed === undefined ? (before?.slot ?? 0) : 1 - before.confirmed;
    this.#generation += 1;
    this.#seal({ index, generation: this.#generation, bytes }, pair * 2 + slot);
    this.#kept.set(index, { ...before, pair, slot });
  }

  /** The chunk is sealed in its place; its slots are free once a checkpoint says so. */
  retire(index: number): void {
    const kept = this.#kept.get(index);
    if (!kept) return;
    this.#kept.delete(index);
    this.#retired.push(kept.pair);
  }

  /** Everything written so far reaches the medium. */
  async sync(): Promise<void> {
    this.#leaving = [...this.#leaving, ...this.#retired];
    this.#retired = [];
    await syncData(this.#file.fd).catch((cause: unknown) => {
      throw toTargetError(cause, this.#file.path, 'syncing it');
    });
  }

  /** The checkpoint that counts on what the last `sync` brought to the medium holds. Nothing was written since. */
  confirm(): void {
    for (const [index, kept] of this.#kept) if (kept.confirmed !== kept.slot) this.#kept.set(index, { ...kept, confirmed: kept.slot });
    this.#free.push(...this.#leaving);
    this.#leaving = [];
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #takePair(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#pairCount += 1;
    return this.#pairCount - 1;
  }

  #load(): void {
    const slotCount = Math.floor(fstatSync(this.#file.fd).size / SLOT_SIZE);
    this.#pairCount = Math.ceil(slotCount / 2);
    const newest = new Map<number, { readonly generation: number; readonly at: number }>();
    for (let at = 0; at < slotCount; at += 1) {
      const found = this.#open(at);
      if (!found) continue;
      this.#generation = Math.max(this.#generation, found.generation);
      if ((newest.get(found.index)?.generation ?? -1) < found.generation) newest.set(found.index, { generation: found.generation, at });
    }
    const used = new Set<number>();
    for (const [index, { at }] of newest) {
      const pair = Math.floor(at / 2);
      used.add(pair);
      this.#kept.set(index, { pair, slot: at % 2 });
    }
    this.#free = Array.from({ length: this.#pairCount }, (_, pair) => pair).filter((pair) => !used.has(pair));
  }

  #seal(chunk: { readonly index: number; readonly generation: number; readonly bytes: Uint8Array }, at: number): void {
    const slot = this.#slot;
    slot.writeBigUInt64BE(BigInt(chunk.index), 0);
    slot.writeBigUInt64BE(BigInt(chunk.generation), 8);
    slot.set(randomBytes(NONCE_SIZE), NAMED_SIZE);
    const cipher = createCipheriv(ALGORITHM, this.#key, slot.subarray(NAMED_SIZE, CONTENT_AT), { authTagLength: TAG_SIZE });
    cipher.setAAD(slot.subarray(0, NAMED_SIZE), { plaintextLength: CHUNK_SIZE });
    slot.set(cipher.update(chunk.bytes), CONTENT_AT);
    cipher.final();
    slot.set(cipher.getAuthTag(), CONTENT_AT + CHUNK_SIZE);
    this.#file.write(at * SLOT_SIZE, slot);
  }

  #open(at: number): { readonly index: number; readonly generation: number; readonly bytes: Buffer } | undefined {
    const slot = Buffer.alloc(SLOT_SIZE);
    this.#file.read(at * SLOT_SIZE, slot);
    const index = toByteCount(slot.readBigUInt64BE(0));
    const generation = toByteCount(slot.readBigUInt64BE(8));
    if (index === undefined || generation === undefined) return undefined;
    const decipher = createDecipheriv(ALGORITHM, this.#key, slot.subarray(NAMED_SIZE, CONTENT_AT), { authTagLength: TAG_SIZE });
    decipher.setAAD(slot.subarray(0, NAMED_SIZE), { plaintextLength: CHUNK_SIZE });
    decipher.setAuthTag(slot.subarray(CONTENT_AT + CHUNK_SIZE, CONTENT_AT + CHUNK_SIZE + TAG_SIZE));
    const bytes = decipher.update(slot.subarray(CONTENT_AT, CONTENT_AT + CHUNK_SIZE));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return { index, generation, bytes };
  }
}

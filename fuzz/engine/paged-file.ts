import { openSync } from 'node:fs';
import { endOf, HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../packages/disk/src/file/byte-file.ts';

export const PAGE_SIZE = 4096;
const NOWHERE = openSync('/dev/null', 'r');
const NOTHING = new Uint8Array(0);
const ZEROS = new Uint8Array(PAGE_SIZE);
/** More than any reader has to ask for at once. */
const READ_MAX = 64 * 1024 * 1024;
/** What is remembered of a reader's way; a long walk repeats itself. */
const ASKED_MAX = 2000;

/** A sparse file in memory. A copy shares pages with its original until it writes to them, so that an execution costs what it changes and not what the file is long. */
export class PagedFile implements ByteFile {
  readonly path: string;
  /** Of another file, as an image may ask when its file was changed; where it says that its bytes lie, nobody goes. */
  readonly fd = NOWHERE;
  readonly #pages: Map<number, Uint8Array>;
  readonly #own = new Set<number>();
  #size: number;
  /** Ranges that were read, when they are asked for. */
  asked: ByteRange[] | undefined;

  private constructor(path: string, size: number, pages: Map<number, Uint8Array>) {
    this.path = path;
    this.#size = size;
    this.#pages = pages;
  }

  static from(bytes: Uint8Array, path: string): PagedFile {
    // A short file is its own only page.
    if (bytes.length <= PAGE_SIZE) return new PagedFile(path, bytes.length, new Map(bytes.length === 0 ? [] : [[0, bytes]]));
    const file = new PagedFile(path, bytes.length, new Map());
    for (let at = 0; at < bytes.length; at += PAGE_SIZE) {
      const page = bytes.subarray(at, at + PAGE_SIZE);
      if (Buffer.compare(page, ZEROS.subarray(0, page.length)) !== 0) file.write(at, page);
    }
    return file;
  }

  static sparse(path: string, size: number, pages: Map<number, Uint8Array>): PagedFile {
    return new PagedFile(path, size, pages);
  }

  get size(): number {
    return this.#size;
  }

  get pages(): ReadonlyMap<number, Uint8Array> {
    return this.#pages;
  }

  copy(): PagedFile {
    return new PagedFile(this.path, this.#size, new Map(this.#pages));
  }

  read(offset: number, into: Uint8Array): void {
    if (!Number.isSafeInteger(offset) || offset < 0) throw new Error(`The reader asks for byte ${offset}.`);
    if (into.length > READ_MAX) throw new Error(`The reader asks for ${into.length} bytes at once.`);
    if (offset + into.length > this.#size) {
      throw new HyperError('image/malformed', `${this.path} ends at byte ${this.#size}, before byte ${offset + into.length} that it refers to.`);
    }
    if (this.asked && this.asked.length < ASKED_MAX) this.asked.push({ offset, length: into.length });
    let at = 0;
    while (at < into.length) {
      const index = Math.floor((offset + at) / PAGE_SIZE);
      const start = offset + at - index * PAGE_SIZE;
      const length = Math.min(PAGE_SIZE - start, into.length - at);
      const page = this.#pages.get(index);
      const part = page?.subarray(start, start + length) ?? NOTHING;
      into.set(part, at);
      if (part.length < length) into.fill(0, at + part.length, at + length);
      at += length;
    }
  }

  write(offset: number, bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const index = Math.floor((offset + at) / PAGE_SIZE);
      const start = offset + at - index * PAGE_SIZE;
      const length = Math.min(PAGE_SIZE - start, bytes.length - at);
      this.#ownPage(index).set(bytes.subarray(at, at + length), start);
      at += length;
    }
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  /** A copy without the pages whose numbers are not among these. */
  only(indexes: ReadonlySet<number>): PagedFile {
    return new PagedFile(this.path, this.#size, new Map([...this.#pages].filter(([index]) => indexes.has(index))));
  }

  resize(size: number): void {
    for (const index of this.#pages.keys()) if (index * PAGE_SIZE >= size) this.#pages.delete(index);
    const last = Math.floor(size / PAGE_SIZE);
    if (this.#pages.has(last)) this.#ownPage(last).fill(0, size - last * PAGE_SIZE);
    this.#size = size;
  }

  /** All of it; for files that are short. */
  toBytes(): Buffer {
    const bytes = Buffer.alloc(this.#size);
    for (const [index, page] of this.#pages) bytes.set(page.subarray(0, this.#size - index * PAGE_SIZE), index * PAGE_SIZE);
    return bytes;
  }

  /** Pages that are not there are holes, as file systems tell them. */
  *extents(range: ByteRange): Generator<Extent> {
    const end = endOf(range);
    if (end > this.#size) throw new Error(`The reader asks for extents up to byte ${end}.`);
    let at = range.offset;
    while (at < end) {
      const isHole = !this.#pages.has(Math.floor(at / PAGE_SIZE));
      const next = Math.min(end, isHole ? this.#nextPage(at) : this.#nextHole(at));
      yield { offset: at, length: next - at, kind: isHole ? 'hole' : 'data' };
      at = next;
    }
  }

  #nextPage(at: number): number {
    const starts = [...this.#pages.keys()].map((index) => index * PAGE_SIZE).filter((start) => start > at);
    return starts.reduce((first, start) => Math.min(first, start), Number.POSITIVE_INFINITY);
  }

  #nextHole(at: number): number {
    let index = Math.floor(at / PAGE_SIZE) + 1;
    while (this.#pages.has(index)) index += 1;
    return index * PAGE_SIZE;
  }

  [Symbol.dispose](): void {
    // Memory needs no closing.
  }

  #ownPage(index: number): Uint8Array {
    const page = this.#pages.get(index);
    if (page && this.#own.has(index)) return page;
    const own = new Uint8Array(PAGE_SIZE);
    if (page) own.set(page);
    this.#pages.set(index, own);
    this.#own.add(index);
    return own;
  }
}

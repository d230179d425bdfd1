import { Coverage } from './coverage.ts';
import { changeFailure, misbehaves, requestFailure } from './refusals.ts';

/** A run that a metadata context describes by flags. */
export interface ContextRun {
  readonly offset: number;
  readonly length: number;
  readonly flags: number;
}

/** Runs of one context from the start of the request on, as far as the server told. Read lazily: a server may tell a million of them. */
export type ContextMap = Iterable<ContextRun>;

/** A chunk for each sector and a few more: a finer answer is meant to cost, not to inform. */
const chunksMax = (length: number): number => 16 + Math.ceil(length / 512);

/** A read on its way. Its bytes go straight to where they belong, which is asked for when the first of them come. */
export class ReadRequest {
  readonly kind = 'read';
  readonly offset: number;
  readonly length: number;
  readonly #room: () => Uint8Array;
  readonly #coverage = new Coverage();
  readonly #settled = Promise.withResolvers<void>();
  #chunks = 0;
  #failure: Error | undefined;

  /** `room` answers memory of just this length, each time the same. */
  constructor({ offset, length }: { readonly offset: number; readonly length: number }, room: () => Uint8Array) {
    this.offset = offset;
    this.length = length;
    this.#room = room;
  }

  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Where a part of the answer goes, after it was seen to be a part. */
  claim(offset: number, length: number): Uint8Array {
    const start = offset - this.offset;
    if (start < 0 || start + length > this.length) {
      throw misbehaves(
        'nbd/outside-request',
        `answers with bytes ${offset} to ${offset + length} when it was asked for ${this.offset} to ${this.offset + this.length}`,
      );
    }
    this.#chunks += 1;
    if (this.#chunks > chunksMax(this.length))
      throw misbehaves('nbd/overlapping-chunks', `cuts an answer of ${this.length} bytes into more than ${chunksMax(this.length)} pieces`);
    if (length === 0 || !this.#coverage.add(start, start + length)) {
      throw misbehaves('nbd/overlapping-chunks', `answers byte ${offset} twice in one reply, or with nothing`);
    }
    return this.#room().subarray(start, start + length);
  }

  /** The server says that it cannot; the rest of its answer is still taken in. */
  refuse(errorNumber: number, message?: string): void {
    this.#failure ??= requestFailure(errorNumber, { offset: this.offset, ...(message ? { message } : {}) });
  }

  /** The last chunk came. */
  finish(): void {
    if (this.#failure) return this.#settled.reject(this.#failure);
    if (!this.#coverage.covers(this.length))
      throw misbehaves('nbd/incomplete-reply', `ends its answer at byte ${this.offset} before all ${this.length} bytes came`);
    this.#settled.resolve();
  }

  fail(error: Error): void {
    this.#settled.reject(error);
  }
}

/** A question for metadata contexts on its way. */
export class MapRequest {
  readonly kind = 'map';
  readonly offset: number;
  readonly length: number;
  readonly #contexts: ReadonlyMap<string, number>;
  readonly #maps = new Map<string, ContextMap>();
  readonly #settled = Promise.withResolvers<ReadonlyMap<string, ContextMap>>();
  #failure: Error | undefined;

  constructor(range: { readonly offset: number; readonly length: number }, contexts: ReadonlyMap<string, number>) {
    this.offset = range.offset;
    this.length = range.length;
    this.#contexts = contexts;
  }

  get settled(): Promise<ReadonlyMap<string, ContextMap>> {
    return this.#settled.promise;
  }

  /** Takes what one context says: descriptors of `width` bytes for the length and as many for the flags. */
  take(contextId: number, descriptors: Buffer, width: 4 | 8): void {
    const name = [...this.#contexts].find(([, id]) => id === contextId)?.[0];
    if (name === undefined) throw misbehaves('nbd/malformed-map', `maps a context ${contextId} that was not chosen`);
    if (this.#maps.has(name)) throw misbehaves('nbd/malformed-map', `maps the context ${name} twice in one reply`);
    if (descriptors.length === 0 || descriptors.length % (2 * width) !== 0)
      throw misbehaves('nbd/malformed-map', `maps the context ${name} in ${descriptors.length} bytes`);
    this.#maps.set(name, new Descriptors(this.offset, descriptors, width));
  }

  refuse(errorNumber: number, message?: string): void {
    this.#failure ??= requestFailure(errorNumber, { offset: this.offset, ...(message ? { message } : {}) });
  }

  finish(): void {
    if (this.#failure) return this.#settled.reject(this.#failure);
    for (const name of this.#contexts.keys()) {
      if (!this.#maps.has(name)) throw misbehaves('nbd/malformed-map', `leaves out the context ${name} from its map`);
    }
    this.#settled.resolve(this.#maps);
  }

  fail(error: Error): void {
    this.#settled.reject(error);
  }
}

/** A request on its way that is answered by a word: a write, zeros, a flush. */
export class ChangeRequest {
  readonly kind = 'change';
  readonly offset: number;
  readonly #settled = Promise.withResolvers<void>();
  #failure: Error | undefined;

  constructor(offset: number) {
    this.offset = offset;
  }

  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  refuse(errorNumber: number, message?: string): void {
    this.#failure ??= changeFailure(errorNumber, { offset: this.offset, ...(message ? { message } : {}) });
  }

  finish(): void {
    if (this.#failure) this.#settled.reject(this.#failure);
    else this.#settled.resolve();
  }

  fail(error: Error): void {
    this.#settled.reject(error);
  }
}

export type Request = ReadRequest | MapRequest | ChangeRequest;

class Descriptors implements ContextMap {
  readonly #offset: number;
  readonly #bytes: Buffer;
  readonly #width: 4 | 8;

  constructor(offset: number, bytes: Buffer, width: 4 | 8) {
    this.#offset = offset;
    this.#bytes = bytes;
    this.#width = width;
  }

  *[Symbol.iterator](): Generator<ContextRun> {
    let offset = this.#offset;
    for (let at = 0; at < this.#bytes.length; at += 2 * this.#width) {
      const length = this.#number(at);
      if (length === 0) throw misbehaves('nbd/malformed-map', 'maps a run of no bytes');
      yield { offset, length, flags: this.#number(at + this.#width) };
      offset += length;
      if (!Number.isSafeInteger(offset)) throw misbehaves('nbd/malformed-map', 'maps more bytes than there can be');
    }
  }

  #number(at: number): number {
    if (this.#width === 4) return this.#bytes.readUInt32BE(at);
    const value = this.#bytes.readBigUInt64BE(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw misbehaves('nbd/malformed-map', 'maps more bytes than there can be');
    return Number(value);
  }
}

import type { Intake } from './intake.ts';
import type { ReplyStyle } from './nbd-export.ts';
import { Chunk, CHUNK_DONE, CHUNK_ERROR, EXTENDED_REPLY_MAGIC, SIMPLE_REPLY_MAGIC, STRING_SIZE_MAX, STRUCTURED_REPLY_MAGIC } from './protocol.ts';
import { misbehaves, toPrintable } from './refusals.ts';
import type { Request } from './request.ts';

/** The length of a simple reply's header, and the part that every header has. */
const SIMPLE_HEADER_SIZE = 16;
const STRUCTURED_HEADER_SIZE = 20;
const EXTENDED_HEADER_SIZE = 32;
/** A hole's offset and size; every other fixed part of a payload is shorter. */
const FIXED_MAX = 16;
/** A million runs of 64 bits: more than any server tells at once. Allocated only when a map comes. */
const MAP_SIZE_MAX = 8 + 16 * 1024 * 1024;
const ERROR_SIZE_MAX = 6 + STRING_SIZE_MAX + 8;

interface Header {
  readonly request: Request;
  readonly type: number;
  readonly isLast: boolean;
  readonly length: number;
}

type Step = (bytes: Buffer) => void;

/**
 * The client's side of the transmission phase: takes replies to pieces, and has the content of reads put straight into their buffers.
 * Requests are told by their cookies; each ends exactly once.
 */
export class ReplyIntake implements Intake {
  readonly #requests = new Map<number, Request>();
  readonly #replies: ReplyStyle;
  readonly #header = Buffer.alloc(EXTENDED_HEADER_SIZE + FIXED_MAX);
  #lastCookie = 0;
  /** What is left to be filled, and what to do when it is full. */
  #room: Uint8Array;
  #step: Step;
  #end: Error | undefined;

  constructor(replies: ReplyStyle) {
    this.#replies = replies;
    this.#room = this.#header.subarray(0, SIMPLE_HEADER_SIZE);
    this.#step = this.#begin;
  }

  get inFlight(): number {
    return this.#requests.size;
  }

  /** Expects the answer to a request, and gives it its cookie. */
  expect(request: Request): number {
    this.#lastCookie += 1;
    if (this.#end) request.fail(this.#end);
    else this.#requests.set(this.#lastCookie, request);
    return this.#lastCookie;
  }

  room(): Uint8Array {
    return this.#room;
  }

  filled(count: number): void {
    if (count < this.#room.length) this.#room = this.#room.subarray(count);
    else this.#step(this.#header);
  }

  ended(error: Error): void {
    this.#end = error;
    for (const request of this.#requests.values()) request.fail(error);
    this.#requests.clear();
    // Buffers of requests that are over belong to others.
    this.#room = this.#header;
  }

  #await(target: Uint8Array, step: Step): void {
    this.#room = target;
    this.#step = step;
  }

  #next(): void {
    this.#await(this.#header.subarray(0, SIMPLE_HEADER_SIZE), this.#begin);
  }

  /** The first bytes tell which of the three headers this is. */
  readonly #begin: Step = (header) => {
    const magic = header.readUInt32BE(0);
    if (magic === SIMPLE_REPLY_MAGIC && this.#replies !== 'extended') return this.#simple(header);
    if (magic === STRUCTURED_REPLY_MAGIC && this.#replies === 'structured') {
      return this.#await(header.subarray(SIMPLE_HEADER_SIZE, STRUCTURED_HEADER_SIZE), () => this.#chunk(header, header.readUInt32BE(16)));
    }
    if (magic === EXTENDED_REPLY_MAGIC && this.#replies === 'extended') {
      return this.#await(header.subarray(SIMPLE_HEADER_SIZE, EXTENDED_HEADER_SIZE), () => this.#chunk(header, toLength(header.readBigUInt64BE(24))));
    }
    throw misbehaves('nbd/malformed-reply', `replies with the magic number ${magic.toString(16)}`);
  };

  #simple(header: Buffer): void {
    const errorNumber = header.readUInt32BE(4);
    const { cookie, request } = this.#find(header);
    if (errorNumber !== 0) {
      request.refuse(errorNumber);
      return this.#finish(cookie, request);
    }
    if (request.kind === 'change') return this.#finish(cookie, request);
    if (this.#replies === 'structured' || request.kind === 'map')
      throw misbehaves('nbd/malformed-reply', 'gives a simple reply where a structured one was agreed on');
    this.#await(request.claim(request.offset, request.length), () => this.#finish(cookie, request));
  }

  #chunk(header: Buffer, length: number): void {
    const { cookie, request } = this.#find(header);
    const chunk: Header = { request, type: header.readUInt16BE(6), isLast: (header.readUInt16BE(4) & CHUNK_DONE) !== 0, length };
    this.#payload(chunk, () => (chunk.isLast ? this.#finish(cookie, request) : this.#next()));
  }

  #payload(chunk: Header, done: () => void): void {
    const { request, type, length } = chunk;
    if (type === Chunk.none) {
      requireLength(chunk, length === 0);
      if (!chunk.isLast) throw misbehaves('nbd/malformed-reply', 'says nothing in a chunk that is not the last');
      return done();
    }
    if (type >= CHUNK_ERROR) return this.#error(chunk, done);
    if (request.kind === 'read' && type === Chunk.offsetData) {
      requireLength(chunk, length > 8 && length - 8 <= request.length);
      return this.#await(this.#fixed(8), () => this.#await(request.claim(this.#offset(), length - 8), done));
    }
    if (request.kind === 'read' && type === Chunk.offsetHole) {
      requireLength(chunk, length === 12);
      return this.#await(this.#fixed(12), (header) => {
        request.claim(this.#offset(), header.readUInt32BE(EXTENDED_HEADER_SIZE + 8)).fill(0);
        done();
      });
    }
    if (request.kind === 'map' && type === (this.#replies === 'extended' ? Chunk.blockStatusExtended : Chunk.blockStatus)) {
      return this.#map(chunk, done);
    }
    throw misbehaves('nbd/malformed-reply', `replies with a chunk of type ${type} to a ${request.kind} request`);
  }

  #map(chunk: Header, done: () => void): void {
    const { request, length } = chunk;
    const [fixed, width] = this.#replies === 'extended' ? ([8, 8] as const) : ([4, 4] as const);
    requireLength(chunk, length > fixed && length <= MAP_SIZE_MAX);
    const payload = Buffer.alloc(length);
    this.#await(payload, () => {
      if (width === 8 && payload.readUInt32BE(4) !== (length - fixed) / (2 * width)) throw misbehaves('nbd/malformed-map', 'counts its runs wrongly');
      if (request.kind === 'map') request.take(payload.readUInt32BE(0), payload.subarray(fixed), width);
      done();
    });
  }

  #error(chunk: Header, done: () => void): void {
    const { request, length } = chunk;
    requireLength(chunk, length >= 6 && length <= ERROR_SIZE_MAX);
    const payload = Buffer.alloc(length);
    this.#await(payload, () => {
      const errorNumber = payload.readUInt32BE(0);
      const messageLength = payload.readUInt16BE(4);
      if (messageLength > length - 6) throw misbehaves('nbd/wrong-length', `gives reasons of ${messageLength} bytes in ${length - 6}`);
      if (errorNumber === 0) throw misbehaves('nbd/malformed-reply', 'fails a request with the error 0');
      request.refuse(errorNumber, toPrintable(payload.subarray(6, 6 + messageLength)));
      done();
    });
  }

  #find(header: Buffer): { readonly cookie: number; readonly request: Request } {
    const cookie = header.readUInt32BE(8) * 2 ** 32 + header.readUInt32BE(12);
    const request = this.#requests.get(cookie);
    if (!request) throw misbehaves('nbd/unknown-cookie', `replies to a request ${cookie} that is not under way`);
    return { cookie, request };
  }

  #finish(cookie: number, request: Request): void {
    request.finish();
    this.#requests.delete(cookie);
    this.#next();
  }

  /** Room for the fixed part of a payload, behind the longest header. */
  #fixed(length: number): Uint8Array {
    return this.#header.subarray(EXTENDED_HEADER_SIZE, EXTENDED_HEADER_SIZE + length);
  }

  #offset(): number {
    const offset = this.#header.readBigUInt64BE(EXTENDED_HEADER_SIZE);
    if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw misbehaves('nbd/outside-request', `answers with bytes at ${offset}`);
    return Number(offset);
  }
}

function toLength(length: bigint): number {
  if (length > BigInt(MAP_SIZE_MAX + 32 * 1024 * 1024)) throw misbehaves('nbd/wrong-length', `announces a chunk of ${length} bytes`);
  return Number(length);
}

function requireLength({ type, length }: Header, holds: boolean): void {
  if (!holds) throw misbehaves('nbd/wrong-length', `gives a chunk of type ${type} the length ${length}`);
}

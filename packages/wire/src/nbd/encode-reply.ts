import type { ReplyStyle } from './nbd-export.ts';
import { Chunk, CHUNK_DONE, EXTENDED_REPLY_MAGIC, OPTION_REPLY_MAGIC, SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC } from './protocol.ts';

export function encodeOptionReply(option: number, type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(20 + payload.length);
  bytes.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
  bytes.writeUInt32BE(option, 8);
  bytes.writeUInt32BE(type, 12);
  bytes.writeUInt32BE(payload.length, 16);
  bytes.set(payload, 20);
  return bytes;
}

/** What a reply belongs to, in the words of the request. */
export interface RequestPlace {
  readonly cookie: bigint;
  readonly offset: number | bigint;
}

export function encodeSimpleReply({ cookie }: RequestPlace, errorNumber: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
  bytes.writeUInt32BE(errorNumber, 4);
  bytes.writeBigUInt64BE(cookie, 8);
  return bytes;
}

/** The head of a chunk whose payload of `length` bytes is sent behind it. */
export function encodeChunk(
  place: RequestPlace,
  o: { readonly replies: ReplyStyle; readonly type: number; readonly length: number; readonly isLast: boolean },
): Buffer {
  const isExtended = o.replies === 'extended';
  const bytes = Buffer.alloc(isExtended ? 32 : 20);
  bytes.writeUInt32BE(isExtended ? EXTENDED_REPLY_MAGIC : STRUCTURED_REPLY_MAGIC, 0);
  bytes.writeUInt16BE(o.isLast ? CHUNK_DONE : 0, 4);
  bytes.writeUInt16BE(o.type, 6);
  bytes.writeBigUInt64BE(place.cookie, 8);
  if (isExtended) {
    bytes.writeBigUInt64BE(BigInt(place.offset), 16);
    bytes.writeBigUInt64BE(BigInt(o.length), 24);
  } else bytes.writeUInt32BE(o.length, 16);
  return bytes;
}

export function encodeError(
  place: RequestPlace,
  o: { readonly replies: ReplyStyle; readonly errorNumber: number; readonly message: string },
): Buffer {
  if (o.replies === 'simple') return encodeSimpleReply(place, o.errorNumber);
  const message = Buffer.from(o.message).subarray(0, 1024);
  const payload = Buffer.alloc(6 + message.length);
  payload.writeUInt32BE(o.errorNumber, 0);
  payload.writeUInt16BE(message.length, 4);
  payload.set(message, 6);
  return Buffer.concat([encodeChunk(place, { replies: o.replies, type: Chunk.error, length: payload.length, isLast: true }), payload]);
}

/** The descriptors of one context. */
export function encodeMap(contextId: number, runs: readonly { readonly length: number; readonly flags: number }[], isExtended: boolean): Buffer {
  if (!isExtended) {
    const bytes = Buffer.alloc(4 + 8 * runs.length);
    bytes.writeUInt32BE(contextId, 0);
    for (const [index, { length, flags }] of runs.entries()) {
      bytes.writeUInt32BE(length, 4 + 8 * index);
      bytes.writeUInt32BE(flags, 8 + 8 * index);
    }
    return bytes;
  }
  const bytes = Buffer.alloc(8 + 16 * runs.length);
  bytes.writeUInt32BE(contextId, 0);
  bytes.writeUInt32BE(runs.length, 4);
  for (const [index, { length, flags }] of runs.entries()) {
    bytes.writeBigUInt64BE(BigInt(length), 8 + 16 * index);
    bytes.writeBigUInt64BE(BigInt(flags), 16 + 16 * index);
  }
  return bytes;
}

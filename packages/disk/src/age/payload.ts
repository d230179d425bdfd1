// The age format, version 1 (C2SP), "Payload": chunks of 64 KiB, each sealed by itself under a nonce of its number and whether it is the last.
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { KIB } from '@hypersdk/domain';

export const CHUNK_SIZE = 64 * KIB;
export const TAG_SIZE = 16;
/** What a full chunk takes in the file. */
export const PLACE_SIZE = CHUNK_SIZE + TAG_SIZE;
/** Between header and first chunk lies what the payload's key is derived from. */
export const SALT_SIZE = 16;

const ALGORITHM = 'chacha20-poly1305';
const NONCE_SIZE = 12;
const OPTIONS = { authTagLength: TAG_SIZE } as const;

export const payloadKey = (fileKey: Uint8Array, salt: Uint8Array): Buffer => Buffer.from(hkdfSync('sha256', fileKey, salt, 'payload', 32));

export interface ChunkPlace {
  readonly index: number;
  readonly isLast: boolean;
}

/** Seals a chunk to the start of `into`; answers the bytes it takes there. */
export function sealChunk(key: Uint8Array, chunk: ChunkPlace & { readonly bytes: Uint8Array }, into: Uint8Array): number {
  const cipher = createCipheriv(ALGORITHM, key, nonceOf(chunk), OPTIONS);
  into.set(cipher.update(chunk.bytes));
  cipher.final();
  into.set(cipher.getAuthTag(), chunk.bytes.length);
  return chunk.bytes.length + TAG_SIZE;
}

/** The content of a sealed chunk; undefined when it is not what this key sealed at this place. */
export function openChunk(key: Uint8Array, chunk: ChunkPlace & { readonly sealed: Uint8Array }): Uint8Array | undefined {
  const { sealed } = chunk;
  if (sealed.length < TAG_SIZE) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, nonceOf(chunk), OPTIONS);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_SIZE));
  const bytes = decipher.update(sealed.subarray(0, sealed.length - TAG_SIZE));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return bytes;
}

/** A counter of 11 bytes, big-endian, of which no file needs more than the last six; then 1 for the last chunk. */
function nonceOf({ index, isLast }: ChunkPlace): Buffer {
  const nonce = Buffer.alloc(NONCE_SIZE);
  nonce.writeUIntBE(index, 5, 6);
  nonce[NONCE_SIZE - 1] = isLast ? 1 : 0;
  return nonce;
}

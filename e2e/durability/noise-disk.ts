import { open } from 'node:fs/promises';
import { MIB } from '@hypersdk/domain';

/** As long as a leaf of the hash tree, so that a leaf number tells what lies there. */
export const CHUNK_SIZE = 4 * MIB;

/** Bytes that look random and are the same for the same seed (xorshift32, Marsaglia 2003): no compressor makes them shorter. */
export function noise(seed: number, length: number): Buffer {
  const words = new Uint32Array(length / 4);
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return Buffer.from(words.buffer);
}

/** Every fourth chunk is a hole, and now and then a chunk is half full. */
export function dataInChunk(chunk: number): number {
  if (chunk % 4 === 3) return 0;
  return chunk % 8 === 6 ? CHUNK_SIZE / 2 : CHUNK_SIZE;
}

/** Bytes of data in the chunks from `start` up to, not including, `end`. */
export function dataInChunks(start: number, end: number): number {
  let size = 0;
  for (let chunk = start; chunk < end; chunk += 1) size += dataInChunk(chunk);
  return size;
}

/** Makes a raw disk of noise and holes. `variant` gives other noise in the same places. */
export async function makeNoiseDisk(path: string, chunks: number, variant = 0): Promise<void> {
  await using file = await open(path, 'wx');
  await file.truncate(chunks * CHUNK_SIZE);
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const size = dataInChunk(chunk);
    if (size > 0) await file.write(noise(chunk + variant * chunks, size), 0, size, chunk * CHUNK_SIZE);
  }
  await file.sync();
}

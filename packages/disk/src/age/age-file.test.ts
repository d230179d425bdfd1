import { randomBytes } from 'node:crypto';
import { HyperError, KIB, MIB } from '@hypersdk/domain';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { MemoryFile } from '../file/memory-file.ts';
import { AgeFile } from './age-file.ts';
import { encryptFor, keyOf, newKeyPair, type KeyPair } from './build-age.ts';
import { PLACE_SIZE } from './payload.ts';

const CHUNK = 64 * KIB;

let pair: KeyPair;
beforeAll(async () => {
  pair = await newKeyPair();
});

async function sealed(content: Uint8Array): Promise<{ readonly file: Uint8Array; readonly key: Uint8Array; readonly start: number }> {
  const file = await encryptFor([pair.recipient], content);
  const chunks = Math.max(1, Math.ceil(content.length / CHUNK));
  return { file, key: await keyOf(file, pair.identity), start: file.length - content.length - chunks * 16 };
}

function readAll(bytes: Uint8Array, key: Uint8Array): Buffer {
  using file = AgeFile.open(new MemoryFile(bytes), key);
  const content = Buffer.alloc(file.size);
  file.read(0, content);
  return content;
}

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'nothing was thrown';
  } catch (error) {
    return error instanceof HyperError ? error.code : String(error);
  }
};

describe('a file in the age format', () => {
  test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, MIB + 77])('of %i bytes reads as what was encrypted', async (size) => {
    const content = randomBytes(size);
    const { file, key } = await sealed(content);
    expect(readAll(file, key).equals(content)).toBe(true);
  });

  test('is read anywhere, in pieces of any size', async () => {
    const content = randomBytes(9 * CHUNK + 1234);
    const { file, key } = await sealed(content);
    using opened = AgeFile.open(new MemoryFile(file), key);
    fc.assert(
      fc.property(fc.nat(content.length), fc.nat(content.length), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const piece = Buffer.alloc(to - from);
        opened.read(from, piece);
        expect(piece.equals(content.subarray(from, to))).toBe(true);
      }),
    );
  });

  test('does not read past its end, and has no descriptor that would lead past the decryption', async () => {
    const { file, key } = await sealed(randomBytes(100));
    using opened = AgeFile.open(new MemoryFile(file), key);
    expect(codeOf(() => opened.read(99, new Uint8Array(2)))).toBe('image/malformed');
    expect(opened).not.toHaveProperty('fd');
  });

  test('is refused with another key', async () => {
    const { file } = await sealed(randomBytes(100));
    expect(codeOf(() => readAll(file, randomBytes(16)))).toBe('encryption/wrong-key');
  });

  test('with a flipped bit anywhere is noticed, and the rest is still read', async () => {
    const content = randomBytes(3 * CHUNK);
    const { file, key, start } = await sealed(content);
    file[start + PLACE_SIZE + 5] = (file[start + PLACE_SIZE + 5] ?? 0) ^ 1;
    using opened = AgeFile.open(new MemoryFile(file), key);
    const first = Buffer.alloc(CHUNK);
    opened.read(0, first);
    expect(first.equals(content.subarray(0, CHUNK))).toBe(true);
    expect(codeOf(() => opened.read(CHUNK, first))).toBe('encryption/damaged');
    expect(() => opened.read(CHUNK, first)).toThrow(`bytes ${start + PLACE_SIZE} to ${start + 2 * PLACE_SIZE}`);
  });
});

describe('a file in the age format that was tampered with', () => {
  const parts = async (): Promise<{ readonly head: Uint8Array; readonly chunks: readonly Uint8Array[]; readonly key: Uint8Array }> => {
    const { file, key, start } = await sealed(randomBytes(2 * CHUNK + 100));
    const at = (index: number): Uint8Array => file.subarray(start + index * PLACE_SIZE, start + (index + 1) * PLACE_SIZE);
    return { head: file.subarray(0, start), chunks: [at(0), at(1), at(2)], key };
  };
  type Parts = Awaited<ReturnType<typeof parts>>;
  const join = (...pieces: readonly (Uint8Array | undefined)[]): Uint8Array => Buffer.concat(pieces.map((piece) => piece ?? new Uint8Array(0)));

  test.each<[string, (p: Parts) => Uint8Array]>([
    ['lost its last chunk', ({ head, chunks: [a, b] }) => join(head, a, b)],
    ['lost all but its first chunk', ({ head, chunks: [a] }) => join(head, a)],
    ['lost all chunks', ({ head }) => head],
    ['is cut in its last chunk', ({ head, chunks: [a, b, c] }) => join(head, a, b, c?.subarray(0, -1))],
    ['is cut in the tag of its last chunk', ({ head, chunks: [a, b, c] }) => join(head, a, b, c?.subarray(0, 7))],
    ['has its first two chunks swapped', ({ head, chunks: [a, b, c] }) => join(head, b, a, c)],
    ['has its last chunk twice', ({ head, chunks: [a, b, c] }) => join(head, a, b, c, c)],
    ['has bytes behind its end', ({ head, chunks: [a, b, c] }) => join(head, a, b, c, Buffer.from('!'))],
    ['has an empty chunk behind its end', ({ head, chunks: [a, b, c] }) => join(head, a, b, c, new Uint8Array(16))],
  ])('that %s is refused', async (_, tamper) => {
    const p = await parts();
    expect(codeOf(() => readAll(tamper(p), p.key))).toBe('encryption/damaged');
  });

  test('in its header is refused', async () => {
    const { file, key } = await sealed(randomBytes(10));
    const text = Buffer.from(file).toString('latin1');
    const otherMac = Buffer.from(
      text.replace(/\n--- (.)/, (_, first: string) => `\n--- ${first === 'A' ? 'B' : 'A'}`),
      'latin1',
    );
    expect(codeOf(() => readAll(otherMac, key))).toBe('encryption/wrong-key');
    const noEnd = Buffer.from(text.slice(0, text.indexOf('\n---')), 'latin1');
    expect(codeOf(() => readAll(noEnd, key))).toBe('encryption/malformed');
  });
});

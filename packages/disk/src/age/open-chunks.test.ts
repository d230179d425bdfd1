import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OpenChunks } from './open-chunks.ts';
import { CHUNK_SIZE } from './payload.ts';

const KEY = randomBytes(16);
const chunk = (byte: number): Buffer => Buffer.alloc(CHUNK_SIZE, byte);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'open-'));
  path = join(folder, 'chunks');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function confirm(chunks: OpenChunks): Promise<void> {
  await chunks.sync();
  chunks.confirm();
}

/** What an attempt that goes on finds. */
function found(key = KEY): readonly (readonly [number, number | undefined])[] {
  using chunks = OpenChunks.continue(path, key);
  return [...chunks.indexes()].toSorted((a, b) => a - b).map((index) => [index, chunks.read(index)?.[0]]);
}

/** As a power cut leaves a write: the second half of the slot is what it was. */
function tear(slot: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0, slot * 69_632 + 30_000, slot * 69_632 + 60_000);
  writeFileSync(path, bytes);
}

describe('the open chunks of a copy', () => {
  test('are found as they were written last', async () => {
    {
      using chunks = OpenChunks.create(path, KEY);
      chunks.write(7, chunk(1));
      chunks.write(9, chunk(2));
      await confirm(chunks);
      chunks.write(7, chunk(3));
      expect(chunks.read(7)?.equals(chunk(3))).toBe(true);
    }
    expect(found()).toEqual([
      [7, 3],
      [9, 2],
    ]);
  });

  test('are those of the checkpoint when the write after it is torn', async () => {
    {
      using chunks = OpenChunks.create(path, KEY);
      chunks.write(7, chunk(1));
      await confirm(chunks);
      chunks.write(7, chunk(2));
      chunks.write(7, chunk(3));
    }
    tear(1);
    expect(found()).toEqual([[7, 1]]);
  });

  test('take turns between their slots, checkpoint by checkpoint', async () => {
    {
      using chunks = OpenChunks.create(path, KEY);
      for (const byte of [1, 2, 3, 4]) {
        chunks.write(7, chunk(byte));
        await confirm(chunks);
      }
      chunks.write(7, chunk(5));
    }
    tear(0);
    expect(found()).toEqual([[7, 4]]);
  });

  test('keep their slots until the checkpoint that does without them holds', async () => {
    {
      using chunks = OpenChunks.create(path, KEY);
      chunks.write(7, chunk(1));
      await confirm(chunks);
      chunks.retire(7);
      chunks.write(8, chunk(2));
    }
    expect(found()).toEqual([
      [7, 1],
      [8, 2],
    ]);
    {
      using chunks = OpenChunks.continue(path, KEY);
      chunks.retire(7);
      await confirm(chunks);
      chunks.write(9, chunk(3));
    }
    expect(found()).toEqual([
      [8, 2],
      [9, 3],
    ]);
  });

  test('are nothing to another key', () => {
    {
      using chunks = OpenChunks.create(path, KEY);
      chunks.write(7, chunk(1));
    }
    expect(found(randomBytes(16))).toEqual([]);
  });

  test('differ on the medium even when their content is the same', () => {
    using chunks = OpenChunks.create(path, KEY);
    chunks.write(1, chunk(1));
    const once = readFileSync(path);
    chunks.write(1, chunk(1));
    expect(readFileSync(path).equals(once)).toBe(false);
  });
});

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEAF_SIZE, MIB, type ContentDigest } from '@hypersdk/domain';
import { calm, contentDigest, expectCancelled, expectRefusal, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiskStream } from './disk-stream.ts';
import type { FilePiece } from './piece-reader.ts';

describe.skipIf(missing('qemu-img'))('a disk that is sent as a qcow2 file', { timeout: 60_000 }, () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hypersdk-stream-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const image = (path: string) => ({ kind: 'image', image: { path, format: 'raw', references: 'refuse' } }) as const;

  async function disk(size: number, pieces: readonly { readonly at: number; readonly bytes: Uint8Array }[]) {
    const path = join(folder, 'disk.raw');
    const content = new Uint8Array(size);
    await using file = await open(path, 'w');
    await file.truncate(size);
    for (const { at, bytes } of pieces) {
      await file.write(bytes, 0, bytes.length, at);
      content.set(bytes, at);
    }
    return { path, content };
  }

  /** Sends it into a file as a server would, and gives the pieces to `spoil`. */
  async function send(stream: DiskStream): Promise<{ readonly path: string; readonly content: ContentDigest | undefined }> {
    const path = join(folder, 'sent.qcow2');
    await using file = await open(path, 'w');
    let content: ContentDigest | undefined;
    let at = 0;
    const onRead = (read: ContentDigest): void => {
      content = read;
    };
    for await (const piece of stream.pieces({ ...calm, onRead })) {
      if (piece.kind === 'data') await file.write(piece.bytes, 0, piece.bytes.length, at);
      at += piece.kind === 'data' ? piece.bytes.length : piece.length;
    }
    await file.truncate(at);
    expect(at).toBe(stream.fileSize);
    return { path, content };
  }

  async function* readFile(path: string, size = 300_001): AsyncGenerator<FilePiece> {
    await using file = await open(path, 'r');
    const { size: end } = await file.stat();
    for (let at = 0; at < end; at += size) {
      const bytes = Buffer.alloc(Math.min(size, end - at));
      await file.read(bytes, 0, bytes.length, at);
      yield { kind: 'data', bytes };
    }
  }

  test.each([
    ['empty', 64 * MIB, []],
    ['in pieces', 40 * MIB, [0, 4097, 3 * MIB, 17 * MIB + 5, 39 * MIB]],
    ['of odd size', 9 * MIB + 512, [9 * MIB]],
    ['smaller than a cluster', 512, [0]],
  ] as const)('QEMU reads one that is %s as the same disk, and what comes back is proven', async (_, size, places) => {
    const { path, content } = await disk(
      size,
      places.map((at) => ({ at, bytes: randomBytes(Math.min(100_000, size - at)) })),
    );
    await using stream = await DiskStream.open(image(path), calm);
    const sent = await send(stream);
    execFileSync('qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'qcow2', path, sent.path]);
    execFileSync('qemu-img', ['check', '-q', sent.path]);
    expect(sent.content).toEqual(contentDigest(content));
    expect(await stream.readBack(readFile(sent.path), calm)).toEqual(contentDigest(content));
    expect((await stat(sent.path)).blocks * 512).toBeLessThanOrEqual(stream.dataSize);
  });

  test('zeros that lie as data take no room', async () => {
    const { path } = await disk(32 * MIB, [{ at: 0, bytes: new Uint8Array(16 * MIB) }]);
    await using stream = await DiskStream.open(image(path), calm);
    const sent = await send(stream);
    expect((await stat(sent.path)).blocks * 512).toBeLessThan(MIB);
  });

  test('damage is found wherever it is, and so is a wrong length', async () => {
    const { path, content } = await disk(8 * MIB, [{ at: LEAF_SIZE + 70_000, bytes: randomBytes(50_000) }]);
    await using stream = await DiskStream.open(image(path), calm);
    const sent = await send(stream);
    const flip = async (at: number): Promise<void> => {
      await using file = await open(sent.path, 'r+');
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, at);
      await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
    };
    await flip(20);
    await expectRefusal(stream.readBack(readFile(sent.path), calm), 'verify/mismatch');
    await flip(20);
    await flip(stream.fileSize - 40_000);
    expect(await stream.readBack(readFile(sent.path), calm)).not.toEqual(contentDigest(content));
    await flip(stream.fileSize - 40_000);
    expect(await stream.readBack(readFile(sent.path), calm)).toEqual(contentDigest(content));
    await using file = await open(sent.path, 'r+');
    await file.truncate(stream.fileSize - 1);
    await expectRefusal(stream.readBack(readFile(sent.path), calm), 'verify/mismatch');
    await file.truncate(stream.fileSize + 1);
    await expectRefusal(stream.readBack(readFile(sent.path), calm), 'verify/mismatch');
  });

  test('it can be called off', async () => {
    const { path } = await disk(8 * MIB, [{ at: 0, bytes: randomBytes(MIB) }]);
    await expectCancelled((o) => DiskStream.open(image(path), o));
    await using stream = await DiskStream.open(image(path), calm);
    await expectCancelled((o) => Array.fromAsync(stream.pieces({ ...o, onRead: () => {} })));
  });
});

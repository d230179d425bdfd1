import { randomBytes } from 'node:crypto';
import { fstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIB } from '@hypersdk/domain';
import { calm } from '@hypersdk/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReadableDiskFile, WritableDiskFile } from '../file/disk-file.ts';
import { AgeFile } from './age-file.ts';
import { newKeyPair } from './build-age.ts';
import { drawKey } from './file-key.ts';
import { OpenChunks } from './open-chunks.ts';
import { CHUNK_SIZE, payloadKey, SALT_SIZE } from './payload.ts';
import { SealedTarget } from './sealed-target.ts';
import { UnitSealer, type SealedUnits } from './unit-sealer.ts';

const SIZE_MAX = 5 * CHUNK_SIZE;

/** A piece of the file, and who writes it: movers write each byte once, layouts as often as they like, nobody leaves zeros. */
interface Piece {
  readonly by: 'mover' | 'layout' | 'nobody';
  readonly offset: number;
  readonly length: number;
}

const pieces = fc
  .array(
    fc.record({
      by: fc.constantFrom('mover', 'mover', 'layout', 'nobody'),
      length: fc.oneof(fc.integer({ min: 1, max: 2 * CHUNK_SIZE }), fc.constant(CHUNK_SIZE)),
    }),
    {
      minLength: 1,
      maxLength: 10,
    },
  )
  .map((lengths) => {
    let offset = 0;
    const all: Piece[] = [];
    for (const { by, length } of lengths) {
      if (offset + length > SIZE_MAX) break;
      all.push({ by, offset, length });
      offset += length;
    }
    return { all, size: offset };
  });

/** Everything of one file but its content. */
interface Bench {
  readonly folder: string;
  readonly fileKey: Uint8Array;
  readonly start: Uint8Array;
}

let bench: Bench;
let count = 0;
beforeAll(async () => {
  const { recipient } = await newKeyPair();
  const { fileKey, header } = await drawKey({ recipients: [recipient], keyFolder: '/nowhere' });
  bench = { folder: mkdtempSync(join(tmpdir(), 'sealed-')), fileKey, start: Buffer.concat([header, randomBytes(SALT_SIZE)]) };
});
afterAll(() => rmSync(bench.folder, { recursive: true }));

/** One attempt at a file, which may go on from an earlier one. */
class Writing implements Disposable {
  readonly path: string;
  readonly target: SealedTarget;
  readonly settled: number[];
  readonly #medium: WritableDiskFile;
  readonly #units: UnitSealer;

  constructor(o: { readonly path: string; readonly from?: readonly number[] }) {
    this.path = o.path;
    this.#medium = WritableDiskFile.open(o.path, o.from ? 'continue' : 'create');
    if (!o.from) this.#medium.write(0, bench.start);
    const writtenTo = o.from ? fstatSync(this.#medium.fd).size : 0;
    const sealing = { key: payloadKey(bench.fileKey, bench.start.subarray(-SALT_SIZE)), start: bench.start.length, writtenTo };
    const open = o.from ? OpenChunks.continue(`${o.path}.open`, bench.fileKey) : OpenChunks.create(`${o.path}.open`, bench.fileKey);
    this.#units = new UnitSealer(this.#medium, sealing);
    this.settled = [...(o.from ?? [])];
    this.target = new SealedTarget({ medium: this.#medium, sealing, open, ...(o.from ? { sealed: o.from } : {}) });
  }

  write({ by, offset, length }: Piece, content: Uint8Array): void {
    const bytes = content.subarray(offset, offset + length);
    if (by === 'layout') this.target.write(offset, bytes);
    if (by === 'mover') this.target.take(this.#seal(offset, bytes));
  }

  #seal(offset: number, bytes: Uint8Array): SealedUnits {
    const sealed = { runs: [], parts: [] };
    this.#units.write(offset, bytes, sealed);
    return sealed;
  }

  async settle(): Promise<void> {
    this.settled.push(...this.target.settle());
    await this.target.sync();
    this.target.confirm();
  }

  async finish(size: number): Promise<Buffer> {
    this.target.truncate(size);
    await this.target.seal(calm);
    return readBack(this.path);
  }

  [Symbol.dispose](): void {
    this.target[Symbol.dispose]();
    this.#medium[Symbol.dispose]();
  }
}

function readBack(path: string): Buffer {
  using file = AgeFile.open(ReadableDiskFile.open(path), bench.fileKey);
  const content = Buffer.alloc(file.size);
  file.read(0, content);
  return content;
}

const newPath = (): string => join(bench.folder, `file-${(count += 1)}`);

/** The bytes of every piece that somebody writes. */
function contentOf({ all, size }: { readonly all: readonly Piece[]; readonly size: number }): Buffer {
  const content = randomBytes(size);
  for (const { by, offset, length } of all) if (by === 'nobody') content.fill(0, offset, offset + length);
  return content;
}

describe('a file that is encrypted while it is written', () => {
  test('holds what was written, whoever wrote it and in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.infiniteStream(fc.nat(9)), async (plan, order) => {
        const content = contentOf(plan);
        using writing = new Writing({ path: newPath() });
        const waiting = [...plan.all];
        for (const pick of order) {
          const [next] = waiting.splice(pick % Math.max(1, waiting.length), 1);
          if (!next) break;
          writing.write(next, content);
          if (pick === 0) await writing.settle();
        }
        expect((await writing.finish(plan.size)).equals(content)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('goes on after a kill, from what was settled', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.record({ settleAt: fc.nat(10), killAt: fc.nat(10), wasFinished: fc.boolean() }), async (plan, o) => {
        const { settleAt, killAt, wasFinished } = o;
        const content = contentOf(plan);
        const path = newPath();
        let settled: readonly number[] = [];
        let goOnAt = 0;
        {
          using first = new Writing({ path });
          for (const [index, piece] of plan.all.entries()) {
            if (index === settleAt) {
              await first.settle();
              goOnAt = index;
            }
            if (index === settleAt + killAt && !wasFinished) break;
            first.write(piece, content);
          }
          settled = [...first.settled];
          if (wasFinished) await first.finish(plan.size);
        }
        using second = new Writing({ path, from: settled });
        for (const piece of plan.all.slice(goOnAt)) second.write(piece, content);
        expect((await second.finish(plan.size)).equals(content)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('reads as it is, sealed or not, and zeros where nothing is', async () => {
    using writing = new Writing({ path: newPath() });
    const content = randomBytes(3 * CHUNK_SIZE);
    writing.write({ by: 'mover', offset: 0, length: CHUNK_SIZE + 100 }, content);
    writing.write({ by: 'layout', offset: 2 * CHUNK_SIZE, length: 10 }, content);
    content.fill(0, CHUNK_SIZE + 100, 2 * CHUNK_SIZE);
    const seen = Buffer.alloc(2 * CHUNK_SIZE + 10);
    writing.target.read(0, seen);
    expect(seen.equals(content.subarray(0, seen.length))).toBe(true);
  });

  test('tells where in the file those bytes lie that movers wrote, so that they can be synced there', () => {
    using writing = new Writing({ path: newPath() });
    const piece = { by: 'mover', offset: 2 * CHUNK_SIZE, length: 2 * CHUNK_SIZE } as const;
    writing.write(piece, randomBytes(4 * CHUNK_SIZE));
    const { offset, length } = writing.target.placeOf(piece);
    const file = readFileSync(writing.path);
    expect(file.subarray(bench.start.length, offset).every((byte) => byte === 0)).toBe(true);
    expect([file.length, length]).toEqual([offset + length, 2 * (CHUNK_SIZE + 16)]);
  });

  test('leaves nothing of its content in plain, neither there nor beside it', async () => {
    using writing = new Writing({ path: newPath() });
    const content = Buffer.alloc(3 * CHUNK_SIZE, 'a secret of the disk ');
    writing.write({ by: 'mover', offset: 0, length: CHUNK_SIZE + 77 }, content);
    writing.write({ by: 'layout', offset: 2 * CHUNK_SIZE, length: 4 * KIB }, content);
    await writing.settle();
    for (const name of [writing.path, `${writing.path}.open`]) expect(readFileSync(name).includes('secret')).toBe(false);
    await writing.finish(content.length);
    expect(readFileSync(writing.path).includes('secret')).toBe(false);
  });

  test('refuses to write again what is sealed', () => {
    using writing = new Writing({ path: newPath() });
    const content = randomBytes(CHUNK_SIZE);
    writing.write({ by: 'mover', offset: 0, length: CHUNK_SIZE }, content);
    expect(() => writing.write({ by: 'layout', offset: 5, length: 1 }, content)).toThrow('sealed');
  });

  test('is given up when a place that was sealed would get other content', async () => {
    const path = newPath();
    const content = randomBytes(2 * CHUNK_SIZE);
    {
      using first = new Writing({ path });
      first.write({ by: 'mover', offset: 0, length: 2 * CHUNK_SIZE }, content);
    }
    const before = readFileSync(path);
    content[CHUNK_SIZE + 9] = (content[CHUNK_SIZE + 9] ?? 0) ^ 1;
    using second = new Writing({ path, from: [] });
    second.write({ by: 'mover', offset: 0, length: CHUNK_SIZE }, content);
    expect(() => second.write({ by: 'mover', offset: CHUNK_SIZE, length: CHUNK_SIZE }, content)).toThrow(
      expect.objectContaining({ code: 'source/changed' }),
    );
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('takes a place over that was half written', async () => {
    const path = newPath();
    const content = randomBytes(CHUNK_SIZE);
    {
      using first = new Writing({ path });
      first.write({ by: 'mover', offset: 0, length: CHUNK_SIZE }, content);
    }
    const torn = readFileSync(path);
    const medium = WritableDiskFile.open(path, 'continue');
    medium.write(4096, new Uint8Array(Math.floor(torn.length / 512) * 512 - 4096));
    medium[Symbol.dispose]();
    using second = new Writing({ path, from: [] });
    second.write({ by: 'mover', offset: 0, length: CHUNK_SIZE }, content);
    expect((await second.finish(CHUNK_SIZE)).equals(content)).toBe(true);
  });

  test.each([0, 1, CHUNK_SIZE, CHUNK_SIZE + 1])('may have %i bytes that nobody wrote', async (size) => {
    using writing = new Writing({ path: newPath() });
    expect((await writing.finish(size)).equals(Buffer.alloc(size))).toBe(true);
  });
});

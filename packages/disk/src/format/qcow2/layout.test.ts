import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GIB, KIB, LEAF_SIZE, MIB, TIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WritableFile } from '../../file/byte-file.ts';
import { MemoryFile } from '../../file/memory-file.ts';
import { ArenaFile } from './arena-file.ts';
import { noise, settingsArbitrary } from './arbitrary-qcow2.ts';
import { buildQcow2, Qcow2Builder, type DiskContent } from './build-qcow2.ts';
import { qcow2Writer } from './writer.ts';

/** A piece of noise or of one repeated byte somewhere in a leaf. */
const pieceArbitrary = fc.record({
  leaf: fc.integer({ min: 0, max: 6 }),
  at: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: LEAF_SIZE - 40_000 }), fc.constant(LEAF_SIZE - 40_000)),
  length: fc.integer({ min: 1, max: 40_000 }),
  compressible: fc.boolean(),
});

const diskArbitrary: fc.Arbitrary<DiskContent> = fc.array(pieceArbitrary, { minLength: 1, maxLength: 8 }).map((pieces) => {
  const leaves = [...new Set(pieces.map(({ leaf }) => leaf))].toSorted((a, b) => a - b);
  const contents = new Map(leaves.map((leaf) => [leaf, Buffer.alloc(LEAF_SIZE)]));
  for (const { leaf, at, length, compressible } of pieces)
    contents.get(leaf)?.set(compressible ? Buffer.alloc(length, leaf + 1) : noise(length, at + 1), at);
  return {
    virtualSize: 7 * LEAF_SIZE - 512,
    leaves,
    read: (offset, into) => into.set((contents.get(offset / LEAF_SIZE) ?? Buffer.alloc(LEAF_SIZE)).subarray(0, into.length)),
  };
});

/** When a copy was killed: how many leaves were placed at the first mark, how far that mark lagged behind, and what was placed and flushed after it. */
const killArbitrary = fc.record({
  placed: fc.integer({ min: 0, max: 7 }),
  lag: fc.integer({ min: 0, max: 3 }),
  later: fc.integer({ min: 0, max: 7 }),
  finished: fc.boolean(),
});

describe('a resumed layout', () => {
  test('makes the same file, byte for byte, wherever the run before was killed', { timeout: 60_000 }, () => {
    const [expected, file] = [new ArenaFile(48 * MIB), new ArenaFile(48 * MIB)];
    fc.assert(
      fc.property(diskArbitrary, settingsArbitrary, killArbitrary, (disk, settings, kill) => {
        expected.truncate(0);
        buildQcow2(expected, disk, settings);
        file.truncate(0);
        using builder = new Qcow2Builder(file, disk, settings);
        const marked = Math.max(0, kill.placed - kill.lag);
        const mark = builder.copy(0, kill.placed).flush(marked);
        builder.copy(kill.placed, kill.placed + kill.later).flush(Math.min(7, kill.placed + kill.later));
        if (kill.finished) builder.copy(kill.placed + kill.later).finish();
        builder
          .resume(JSON.parse(JSON.stringify(mark)))
          .copy(marked)
          .finish();
        expect(Buffer.compare(file.bytes, expected.bytes)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('is no image until it is finished again', () => {
    const disk: DiskContent = { virtualSize: MIB, leaves: [0], read: (_offset, into) => into.fill(1) };
    const file = new MemoryFile();
    using builder = new Qcow2Builder(file, disk);
    const mark = builder.flush(0);
    builder.copy().finish();
    builder.resume(mark);
    expect(file.bytes.subarray(0, 512).every((byte) => byte === 0)).toBe(true);
  });

  test('refuses the mark of another format', () => {
    const plan = qcow2Writer.plan(MIB, { format: 'qcow2' });
    expect(() => qcow2Writer.layout(plan, new MemoryFile(), { end: 0, leaves: 0 })).toThrow('was not made for a qcow2 image');
  });
});

describe('a layout', () => {
  test('gives plain content of a leaf one run of the file, behind its tables', () => {
    const plan = qcow2Writer.plan(64 * MIB, { format: 'qcow2', clusterSize: 4 * KIB });
    const layout = qcow2Writer.layout(plan, new MemoryFile());
    const offsets = new Float64Array(1024);
    for (const leaf of [0, 1, 7]) {
      layout.place(leaf, new Uint32Array(1024).fill(4 * KIB), offsets);
      const [first = 0] = offsets;
      expect([...offsets]).toEqual(Array.from({ length: 1024 }, (_, at) => first + at * 4 * KIB));
    }
  });

  test('packs compressed clusters byte by byte', () => {
    const plan = qcow2Writer.plan(4 * MIB, { format: 'qcow2', compression: 'zlib' });
    const layout = qcow2Writer.layout(plan, new MemoryFile());
    const offsets = new Float64Array(64);
    layout.place(0, Uint32Array.from([1000, 0, 64 * KIB, 500, 64 * KIB - 1]), offsets);
    const [first = 0] = offsets;
    // The third cluster is plain and goes to the next free one; the fourth fills up the first; the fifth no longer fits into it.
    expect([...offsets.subarray(0, 5)]).toEqual([first, 0, first + 64 * KIB, first + 1000, first + 2 * 64 * KIB]);
  });

  test.each([
    { clusterSize: 64 * KIB, disk: 16 * TIB, stride: 200, count: 5000 },
    { clusterSize: 512, disk: 8 * GIB, stride: 4, count: 500 },
    { clusterSize: 64 * KIB, disk: 16 * TIB, stride: 200, count: 5000, compression: 'zstd' as const },
  ])('keeps flat memory on a large disk: $clusterSize, $disk', ({ disk, stride, count, ...settings }) => {
    const { written, held } = placeMany(settings, { virtualSize: disk, stride, count });
    expect(written).toBeGreaterThan(32 * MIB);
    expect(held).toBeLessThan(16 * MIB);
  });
});

/** Places every `stride`th leaf and answers the bytes of tables written, and the memory that is held afterwards. */
function placeMany(
  settings: Omit<ImageSettings, 'format'>,
  { virtualSize, stride, count }: { readonly virtualSize: number; readonly stride: number; readonly count: number },
): { readonly written: number; readonly held: number } {
  const plan = qcow2Writer.plan(virtualSize, { format: 'qcow2', ...settings });
  const file = new CountingFile();
  const before = heldMemory();
  const layout = qcow2Writer.layout(plan, file);
  const sizes = new Uint32Array(LEAF_SIZE / plan.unitSize).fill(plan.compression === 'none' ? plan.unitSize : 20_000);
  const offsets = new Float64Array(sizes.length);
  for (let leaf = 0; leaf < count; leaf += 1) layout.place(leaf * stride, sizes, offsets);
  const held = heldMemory() - before;
  layout.finish();
  return { written: file.written, held };
}

function heldMemory(): number {
  setFlagsFromString('--expose-gc');
  // The first round queues buffers to be freed, the second one waits for them.
  const collect: unknown = runInNewContext('gc');
  for (let round = 0; round < 2 && typeof collect === 'function'; round += 1) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

class CountingFile implements WritableFile {
  readonly path = 'counted';
  written = 0;

  read(_offset: number, into: Uint8Array): void {
    into.fill(0);
  }

  write(_offset: number, bytes: Uint8Array): void {
    this.written += bytes.length;
  }

  truncate(): void {
    // Only writes are counted.
  }

  allocate(): void {
    // Only writes are counted.
  }
}

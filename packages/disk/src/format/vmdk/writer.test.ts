import { inflateSync } from 'node:zlib';
import { HyperError, KIB, leafCount, LEAF_SIZE, MIB, TIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import type { LayoutMark } from '../image-writer.ts';
import { buildVmdk, contentOf, placeLeaf } from './build-vmdk.ts';
import { vmdkReader } from './reader.ts';
import { vmdkContainers } from './vmdk-plan.ts';
import { vmdkWriter } from './writer.ts';

const UNIT = 64 * KIB;
/** Machines that run much else at once. */
const TIMEOUT_MS = 60_000;
const options = { references: 'refuse', openReference: () => expect.unreachable(), depth: 0 } as const;

/** A disk of a few islands of bytes, some compressible, some not, that crosses several leaves and tables. */
const disks = fc
  .record({
    size: fc.oneof(fc.integer({ min: 1, max: 300 * KIB }), fc.integer({ min: 1, max: 35 * MIB })),
    islands: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        length: fc.integer({ min: 1, max: 200 * KIB }),
        seed: fc.integer(),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ size, islands }) => {
    const disk = new Uint8Array(size);
    for (const { at, length, seed } of islands) fillIsland(disk.subarray(Math.floor(at * size)).subarray(0, length), seed);
    return disk;
  });

function fillIsland(into: Uint8Array, seed: number): void {
  let state = seed >>> 0;
  for (let at = 0; at < into.length; at += 1) {
    if (at % (seed % 2 === 0 ? 1 : 97) === 0) state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    into[at] = state >>> 24;
  }
}

function readDisk(image: Uint8Array): Uint8Array {
  using opened = vmdkReader.open(new MemoryFile(image), options);
  const disk = new Uint8Array(opened.virtualSize);
  opened.read(0, disk);
  return disk;
}

const padded = (disk: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(Math.ceil(disk.length / 512) * 512);
  bytes.set(disk);
  return bytes;
};

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0;

describe.each(vmdkContainers)('a written %s disk', { timeout: TIMEOUT_MS }, (subformat) => {
  test('reads back as what was written, with a size rounded up to a sector', () => {
    fc.assert(
      fc.property(disks, (disk) => {
        expect(same(readDisk(buildVmdk(disk, { subformat })), padded(disk))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('has data exactly in the grains that hold a byte above zero', () => {
    fc.assert(
      fc.property(disks, (disk) => {
        using image = vmdkReader.open(new MemoryFile(buildVmdk(disk, { subformat })), options);
        let end = 0;
        for (const extent of image.extents({ offset: 0, length: image.virtualSize })) {
          expect(extent.offset).toBe(end);
          end += extent.length;
          for (let at = extent.offset; at < end; at += UNIT) expect(extent.kind).toBe(contentOf(disk)(at, UNIT) ? 'data' : 'hole');
        }
        expect(end).toBe(image.virtualSize);
      }),
      { numRuns: 30 },
    );
  });

  test('is the same file after an interruption at any leaf, whatever the interrupted run wrote beyond its mark', () => {
    fc.assert(
      fc.property(disks, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), (disk, at, beyond) => {
        const whole = buildVmdk(disk, { subformat });
        const plan = vmdkWriter.plan(disk.length, { format: 'vmdk', subformat });
        const leaves = leafCount(plan.virtualSize);
        const kept = Math.round(at * leaves);
        const file = new MemoryFile();
        using encoder = vmdkWriter.encoder(plan);
        const content = contentOf(disk);

        const first = vmdkWriter.layout(plan, file);
        for (let leaf = 0; leaf < kept; leaf += 1) placeLeaf({ plan, file, layout: first, encoder, content }, leaf);
        // A flush may speak of fewer leaves than were placed.
        const placed = Math.min(leaves, kept + beyond);
        for (let leaf = kept; leaf < placed; leaf += 1) placeLeaf({ plan, file, layout: first, encoder, content }, leaf);
        const mark = JSON.parse(JSON.stringify(first.flush(kept))) as LayoutMark;
        for (let leaf = placed; leaf < Math.min(leaves, placed + beyond); leaf += 1) placeLeaf({ plan, file, layout: first, encoder, content }, leaf);

        file.truncate(mark.end);
        const second = vmdkWriter.layout(plan, file, mark);
        for (let leaf = mark.leaves; leaf < leaves; leaf += 1) placeLeaf({ plan, file, layout: second, encoder, content }, leaf);
        second.finish();
        expect(same(file.bytes, whole)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('forgets what an interrupted run wrote beyond its mark, even if it is not written again', () => {
    const disk = new Uint8Array(80 * MIB);
    fillIsland(disk.subarray(3 * LEAF_SIZE, 3 * LEAF_SIZE + UNIT), 1);
    const more = disk.slice();
    for (const leaf of [4, 6, 9, 17]) fillIsland(more.subarray(leaf * LEAF_SIZE, leaf * LEAF_SIZE + UNIT), leaf);
    const plan = vmdkWriter.plan(disk.length, { format: 'vmdk', subformat });
    const file = new MemoryFile();
    using encoder = vmdkWriter.encoder(plan);
    const first = vmdkWriter.layout(plan, file);
    for (let leaf = 0; leaf < 18; leaf += 1) placeLeaf({ plan, file, layout: first, encoder, content: contentOf(more) }, leaf);
    const mark = first.flush(4);
    file.truncate(mark.end);
    vmdkWriter.layout(plan, file, mark).finish();
    expect(same(file.bytes, buildVmdk(disk, { subformat }))).toBe(true);
  });

  test('survives being interrupted after every single leaf', () => {
    const disk = new Uint8Array(80 * MIB);
    for (const leaf of [0, 1, 3, 7, 8, 9, 15, 19]) fillIsland(disk.subarray(leaf * LEAF_SIZE + 5000).subarray(0, 3 * UNIT), leaf);
    const plan = vmdkWriter.plan(disk.length, { format: 'vmdk', subformat });
    const file = new MemoryFile();
    using encoder = vmdkWriter.encoder(plan);
    let mark: LayoutMark | undefined;
    for (let leaf = 0; leaf < leafCount(disk.length); leaf += 1) {
      if (mark) file.truncate(mark.end);
      const layout = vmdkWriter.layout(plan, file, mark);
      placeLeaf({ plan, file, layout, encoder, content: contentOf(disk) }, leaf);
      mark = layout.flush(leaf + 1);
    }
    vmdkWriter.layout(plan, file, mark).finish();
    expect(same(file.bytes, buildVmdk(disk, { subformat }))).toBe(true);
  });
});

test('a compressed grain carries its place on the disk and its length, and zeros up to the next sector', () => {
  const plan = vmdkWriter.plan(MIB, { format: 'vmdk', subformat: 'streamOptimized' });
  using encoder = vmdkWriter.encoder(plan);
  const into = new Uint8Array((encoder?.storedSizeMax ?? 0) + 100).fill(0xaa);
  const length = encoder?.encode(new Uint8Array(UNIT).fill(7), 3, into, 100) ?? 0;
  const view = new DataView(into.buffer, 100);
  const storedSize = view.getUint32(8, true);
  expect(length % 512).toBe(0);
  expect(view.getBigUint64(0, true)).toBe(3n * 128n);
  expect(inflateSync(into.subarray(112, 112 + storedSize))).toEqual(Buffer.alloc(UNIT, 7));
  expect(into.subarray(112 + storedSize, 100 + length)).toEqual(new Uint8Array(length - 12 - storedSize));
  expect(into.subarray(0, 100)).toEqual(new Uint8Array(100).fill(0xaa));
  expect(into[100 + length]).toBe(0xaa);
});

test('a stream that is not the one its mark describes is refused, not continued', () => {
  const disk = new Uint8Array(70 * MIB).fill(7);
  const plan = vmdkWriter.plan(disk.length, { format: 'vmdk', subformat: 'streamOptimized' });
  const file = new MemoryFile();
  using encoder = vmdkWriter.encoder(plan);
  const layout = vmdkWriter.layout(plan, file);
  for (let leaf = 0; leaf < 10; leaf += 1) placeLeaf({ plan, file, layout, encoder, content: contentOf(disk) }, leaf);
  const mark = layout.flush(10);
  for (const wrong of [
    { ...mark, lastTable: 512 },
    { ...mark, lastTable: 0 },
    { ...mark, lastTable: -1 },
    { end: mark.end, leaves: 10 },
    { ...mark, leaves: 9 },
  ]) {
    expect(() => vmdkWriter.layout(plan, file, wrong)).toThrow(expect.objectContaining({ code: 'checkpoint/malformed' }));
  }
});

describe('a plan', () => {
  const plan = (virtualSize: number, settings: Partial<ImageSettings>) => () => vmdkWriter.plan(virtualSize, { format: 'vmdk', ...settings });

  test('rounds the size up to a sector and has grains of 64 KiB', () => {
    expect(plan(1000, {})()).toEqual({
      virtualSize: 1024,
      unitSize: UNIT,
      placement: 'assigned',
      subformat: 'monolithicSparse',
      compressionLevel: 3,
    });
  });

  test('is stream-optimized when compression is asked for', () => {
    expect(plan(MIB, { compression: 'zlib', compressionLevel: 6 })()).toMatchObject({ subformat: 'streamOptimized', compressionLevel: 6 });
  });

  test.each([
    ['size above 0', 0, {}],
    ['64 TiB', 65 * TIB, {}],
    ['vmfsRaw', MIB, { subformat: 'vmfsRaw' }],
    ['preallocation metadata', MIB, { subformat: 'monolithicFlat', preallocation: 'metadata' }],
    ['768 extents', 2 * TIB, { subformat: 'twoGbMaxExtentSparse' }],
    ['cluster size', MIB, { clusterSize: UNIT }],
    ['extended l2', MIB, { extendedL2: true }],
    ['zstd', MIB, { compression: 'zstd' }],
    ['compression none', MIB, { compression: 'zlib', subformat: 'monolithicSparse' }],
    ['compression zlib', MIB, { compression: 'none', subformat: 'streamOptimized' }],
    ['compression level', MIB, { compressionLevel: 3 }],
    ['between 1 and 9', MIB, { compression: 'zlib', compressionLevel: 10 }],
    ['preallocation full', MIB, { preallocation: 'full' }],
  ] as const)('names what it cannot do: %s', (fragment, virtualSize, settings) => {
    expect(plan(virtualSize, settings)).toThrow(HyperError);
    expect(plan(virtualSize, settings)).toThrow(expect.objectContaining({ code: 'usage/invalid', message: expect.stringContaining(fragment) }));
  });
});

import { KIB, LEAF_SIZE, leafCount, MIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { materialise, sparseDisk } from '@hypersdk/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { isZero } from '../../stream/is-zero.ts';
import type { DiskImage } from '../disk-image.ts';
import { imageReaders } from '../formats.ts';
import { buildImage, diskOf, ImageBuilder } from './build-image.ts';

/** Machines that run much else at once. */
const TIMEOUT_MS = 60_000;
const UNIT = 64 * KIB;
const SETTINGS: readonly ImageSettings[] = [
  { format: 'vhd' },
  { format: 'vhd', subformat: 'dynamic', clusterSize: 512 * KIB },
  { format: 'vhd', subformat: 'fixed' },
  { format: 'vhd', subformat: 'azure' },
  { format: 'vdi' },
  { format: 'vdi', subformat: 'static' },
  { format: 'vhdx' },
  { format: 'vhdx', clusterSize: MIB },
  { format: 'vhdx', subformat: 'fixed', clusterSize: 4 * MIB },
];

const openBytes = (bytes: Uint8Array, { format }: ImageSettings): DiskImage =>
  imageReaders[format].open(new MemoryFile(bytes), { references: 'refuse', openReference: () => expect.unreachable(), depth: 0 });

function built(disk: Uint8Array, settings: ImageSettings): Uint8Array {
  const file = new MemoryFile();
  buildImage(file, diskOf(disk), settings);
  return file.bytes;
}

/** Disks of several leaves, mostly empty. */
const disks = sparseDisk({ sizeMax: 2 * LEAF_SIZE + 700 * 512, pieceMax: 100 * KIB, piecesMax: 6 }).filter(({ virtualSize }) => virtualSize > 0);

describe.each(SETTINGS)('a disk written as %o', { timeout: TIMEOUT_MS }, (settings) => {
  test('reads back as what was written, with zeros up to the size it is rounded to', () => {
    fc.assert(
      fc.property(disks, (sparse) => {
        const disk = Buffer.from(materialise(sparse));
        using image = openBytes(built(disk, settings), settings);
        const content = new Uint8Array(image.virtualSize);
        image.read(0, content);
        expect(Buffer.compare(content.subarray(0, disk.length), disk)).toBe(0);
        expect(isZero(content.subarray(disk.length))).toBe(true);
        expect(image.virtualSize - disk.length).toBeLessThan(settings.subformat === 'azure' ? MIB : 512);
      }),
      { numRuns: 4 },
    );
  });

  test('is tiled by its extents, and what is no data is zeros', () => {
    fc.assert(
      fc.property(disks, fc.double({ min: 0, max: 1, noNaN: true }), (sparse, cut) => {
        const disk = Buffer.from(materialise(sparse));
        using image = openBytes(built(disk, settings), settings);
        const from = Math.floor(cut * image.virtualSize);
        let at = from;
        for (const { offset, length, kind } of image.extents({ offset: from, length: image.virtualSize - from })) {
          expect(offset).toBe(at);
          at += length;
          if (kind !== 'data') expect(isZero(disk.subarray(offset, at))).toBe(true);
        }
        expect(at).toBe(image.virtualSize);
      }),
      { numRuns: 4 },
    );
  });

  test('is the same file, byte for byte, wherever the run before was killed', () => {
    const kills = fc.record({ placed: fc.nat(3), lag: fc.nat(2), later: fc.nat(3), finished: fc.boolean() });
    fc.assert(
      fc.property(disks, kills, (sparse, kill) => {
        const disk = diskOf(materialise(sparse));
        const leaves = leafCount(disk.virtualSize);
        const [whole, file] = [new MemoryFile(), new MemoryFile()];
        buildImage(whole, disk, settings);
        const builder = new ImageBuilder(file, disk, settings);
        // A flush may speak of fewer leaves than were placed.
        const placed = Math.min(leaves, kill.placed);
        const marked = Math.max(0, placed - kill.lag);
        const mark = builder.copy(0, placed).flush(marked);
        const later = Math.min(leaves, placed + kill.later);
        builder.copy(placed, later).flush(later);
        if (kill.finished) builder.copy(later).finish();
        builder.resume(mark).copy(marked).finish();
        expect(Buffer.compare(file.bytes, whole.bytes)).toBe(0);
      }),
      { numRuns: 6 },
    );
  });

  test('is no image until it is finished, and none again when a finished one is gone on with', () => {
    const disk = diskOf(new Uint8Array(MIB).fill(1));
    const file = new MemoryFile();
    const builder = new ImageBuilder(file, disk, settings);
    const mark = builder.copy().flush(0);
    expect(() => openBytes(file.bytes.slice(), settings)).toThrow(expect.objectContaining({ code: 'image/format-mismatch' }));
    builder.finish();
    openBytes(file.bytes.slice(), settings)[Symbol.dispose]();
    builder.resume(mark);
    expect(() => openBytes(file.bytes.slice(), settings)).toThrow(expect.objectContaining({ code: 'image/format-mismatch' }));
  });

  test('is the same for equal disks, and has another identifier for another disk of the same size', () => {
    const idOf = (fill: number): unknown => {
      using image = openBytes(built(new Uint8Array(MIB).fill(fill), settings), settings);
      return image.info.details['uniqueId'] ?? image.info.details['id'] ?? image.info.details['diskId'];
    };
    expect(idOf(1)).toBe(idOf(1));
    expect(idOf(1)).not.toBe(idOf(2));
  });
});

describe.each([SETTINGS[0], SETTINGS[4]])('a sparse disk written as %o', (settings = { format: 'vhd' }) => {
  const pages = { virtualSize: settings.format === 'vhd' ? 2040 * 1024 * MIB : 60 * 1024 * MIB * 16, leaves: [] as number[] };
  const marked = [0, 5000, 5001, 40_000, Math.floor((pages.virtualSize - 1) / LEAF_SIZE)];
  const disk = {
    virtualSize: pages.virtualSize,
    leaves: marked,
    read: (offset: number, into: Uint8Array) => void into.fill(((offset / LEAF_SIZE) % 251) | 1, 0, UNIT),
  };

  test('goes on after every mark, across pages of its table', { timeout: TIMEOUT_MS }, () => {
    const [whole, file] = [new MemoryFile(), new MemoryFile()];
    buildImage(whole, disk, settings);
    const builder = new ImageBuilder(file, disk, settings);
    for (const [index, leaf] of disk.leaves.entries()) {
      const until = (disk.leaves[index + 1] ?? leaf) - (index % 2);
      builder.copy(leaf, leaf + 1);
      builder.resume(builder.flush(Math.max(leaf + 1, until)));
    }
    builder.finish();
    expect(Buffer.compare(file.bytes, whole.bytes)).toBe(0);
    using image = openBytes(whole.bytes, settings);
    const found = [...image.extents({ offset: 0, length: image.virtualSize })].filter(({ kind }) => kind === 'data').map(({ offset }) => offset);
    expect([...new Set(found.map((offset) => Math.floor(offset / LEAF_SIZE)))]).toEqual(disk.leaves);
  });
});

test('a mark of another format is refused', () => {
  const builder = new ImageBuilder(new MemoryFile(), diskOf(new Uint8Array(MIB)), { format: 'vdi' });
  expect(() => builder.resume({ end: 0, leaves: 0 })).toThrow(expect.objectContaining({ code: 'checkpoint/malformed' }));
});

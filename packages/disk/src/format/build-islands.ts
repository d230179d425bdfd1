// For tests: disks of a few patterns far apart, made by another program or by our writers, and what has to be read from them.
import { LEAF_SIZE, MIB, type ByteRange, type Extent } from '@hypersdk/domain';
import { expect } from 'vitest';
import { ReadableDiskFile } from '../file/disk-file.ts';
import type { BuiltDisk } from './blocks/build-image.ts';
import type { DiskImage } from './disk-image.ts';

/** A pattern at a place of a disk, as qemu-io writes it. */
export interface Island {
  readonly at: number;
  readonly length: number;
  readonly pattern: number;
}

/** How much around an island is looked at too: more than a sector, and no multiple of one. */
const AROUND = 700;
/** So that reads begin and end inside of blocks and grains. */
const ODD_STEP = 3 * MIB + 1111;

/** What qemu-io is told, to write the islands. */
export const writeCommands = (islands: readonly Island[]): readonly string[] =>
  islands.flatMap(({ at, length, pattern }) => ['-c', `write -P ${pattern} ${at} ${length}`]);

export const extentsOf = (image: DiskImage, range: ByteRange = { offset: 0, length: image.virtualSize }): readonly Extent[] => [
  ...image.extents(range),
];

/** A disk of islands, of which only the leaves that they touch are made. */
export function islandDisk(virtualSize: number, islands: readonly Island[]): BuiltDisk {
  const touched = islands.flatMap(({ at, length }) => {
    const first = Math.floor(at / LEAF_SIZE);
    return Array.from({ length: Math.floor((at + length - 1) / LEAF_SIZE) - first + 1 }, (_, n) => first + n);
  });
  const leaves = [...new Set(touched)].toSorted((a, b) => a - b);
  return { virtualSize, leaves, read: (offset, into) => void into.set(islandContent(islands, { offset, length: into.length })) };
}

/** Whether any island reaches into the range. */
export const isTouched = (islands: readonly Island[], { offset, length }: ByteRange): boolean =>
  islands.some((island) => island.at < offset + length && offset < island.at + island.length);

export function islandContent(islands: readonly Island[], { offset, length }: ByteRange): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const island of islands) {
    if (isTouched([island], { offset, length }))
      bytes.fill(island.pattern, Math.max(0, island.at - offset), Math.min(length, island.at + island.length - offset));
  }
  return bytes;
}

/** The islands and the bytes around them are what was written, the extents tile the disk, and those that touch an island are data. */
export function expectIslands(image: DiskImage, islands: readonly Island[]): void {
  for (const { at, length } of islands) {
    const offset = Math.max(0, at - AROUND);
    const bytes = new Uint8Array(Math.min(image.virtualSize, at + length + AROUND) - offset);
    image.read(offset, bytes);
    expect(Buffer.compare(bytes, islandContent(islands, { offset, length: bytes.length }))).toBe(0);
  }
  let end = 0;
  for (const extent of extentsOf(image)) {
    expect(extent.offset).toBe(end);
    end += extent.length;
    if (extent.kind !== 'data') expect(isTouched(islands, extent)).toBe(false);
  }
  expect(end).toBe(image.virtualSize);
}

export function expectSameBytes(image: DiskImage, rawPath: string): void {
  using raw = ReadableDiskFile.open(rawPath);
  expect(raw.size).toBe(image.virtualSize);
  for (let offset = 0; offset < image.virtualSize; offset += ODD_STEP) {
    const length = Math.min(ODD_STEP, image.virtualSize - offset);
    const [ours, theirs] = [new Uint8Array(length), new Uint8Array(length)];
    image.read(offset, ours);
    raw.read(offset, theirs);
    expect(Buffer.compare(ours, theirs)).toBe(0);
  }
}

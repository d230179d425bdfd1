import { join } from 'node:path';
import { GIB, KIB, MIB } from '@hypersdk/domain';
import { everyStep, filled, guestEdits, islandsOn, lastBytes, writeRaw, type DiskContent } from './disk-content.ts';
import { qemuIo } from './qemu.ts';
import { scaleOf, type SourceImage } from './source-image.ts';

/** Sizes at and around the borders of sectors, pages, clusters, reads and leaves. */
const SIZES = [1, 511, 512, 513, 4095, 4097, 64 * KIB - 1, 64 * KIB + 1, MIB - 1, MIB + 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB + 511];

const raw = (name: string, content: DiskContent, edits: readonly string[] = []): SourceImage => ({
  name: `raw: ${name}`,
  format: 'raw',
  kind: 'raw',
  ...scaleOf(content.virtualSize),
  async make(folder) {
    const path = await writeRaw(join(folder, 'disk.raw'), content);
    if (edits.length > 0) await qemuIo(path, 'raw', edits);
    return path;
  },
});

export const rawImages = (): readonly SourceImage[] => [
  raw('no bytes at all', filled(0, 1)),
  raw('one empty sector', { virtualSize: 512, islands: [], seed: 1 }),
  raw('empty, 4 MiB', { virtualSize: 4 * MIB, islands: [], seed: 1 }),
  raw('empty, an odd size', { virtualSize: 21 * MIB + 77, islands: [], seed: 1 }),
  raw('zeros that were written', filled(9 * MIB, 1, 0)),
  raw('one byte everywhere', filled(9 * MIB, 1, 0x5a)),
  ...SIZES.map((size, at) => raw(`${size} bytes, full`, filled(size, 100 + at))),
  ...SIZES.map((size, at) => raw(`${size} bytes, only the last sector`, lastBytes(size, 200 + at))),
  raw('24 MiB, only the last byte', lastBytes(24 * MIB, 3, 1)),
  raw('every other sector', everyStep(2 * MIB, { step: 1024, length: 512, seed: 4 })),
  raw('every other page', everyStep(6 * MIB, { step: 8 * KIB, length: 4 * KIB, seed: 5 })),
  raw('every other cluster', everyStep(16 * MIB, { step: 128 * KIB, length: 64 * KIB, seed: 6 })),
  raw('a byte at each start of a cluster', everyStep(16 * MIB, { step: 64 * KIB, length: 1, seed: 7 })),
  raw('a byte in each leaf', everyStep(23 * MIB + 513, { step: 4 * MIB, length: 1, seed: 8 })),
  raw('islands across 2 and 4 GiB', islandsOn(5 * GIB + 512, 9, { count: 14 })),
  raw('islands across 2 GiB, an odd size', islandsOn(2 * GIB + 12_345, 10, { count: 10 })),
  ...Array.from({ length: 20 }, (_, at) => raw(`islands ${at}`, islandsOn(MIB + at * 1_111_111, 300 + at))),
  ...Array.from({ length: 8 }, (_, at) =>
    raw(`rewritten and discarded ${at}`, islandsOn((4 + at) * MIB, 400 + at), guestEdits((4 + at) * MIB, 500 + at)),
  ),
];

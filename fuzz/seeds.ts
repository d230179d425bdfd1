import { KIB, MIB, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { MemoryFile } from '../packages/disk/src/file/memory-file.ts';
import { hostileQcow2s } from '../packages/disk/src/format/qcow2/hostile-qcow2s.ts';
import { hostileVmdks } from '../packages/disk/src/format/vmdk/hostile-vmdks.ts';
import { ImageSink } from '../packages/disk/src/format/image-sink.ts';
import type { Random } from './random.ts';

export interface Seed {
  readonly format: ImageFormat;
  readonly bytes: Uint8Array;
}

const SETTINGS: readonly ImageSettings[] = [
  { format: 'qcow2', clusterSize: 4 * KIB },
  { format: 'qcow2', compatVersion: 2 },
  { format: 'qcow2', compression: 'zlib' },
  { format: 'qcow2', compression: 'zstd' },
  { format: 'qcow2', extendedL2: true, clusterSize: 16 * KIB },
  { format: 'vmdk', subformat: 'monolithicSparse' },
  { format: 'vmdk', subformat: 'streamOptimized' },
];

/** Whole images of every kind we write, and every hostile one that a reader is known to refuse: the places from which damage goes further. */
export async function makeSeeds(): Promise<readonly Seed[]> {
  const whole = await Promise.all(SETTINGS.map(async (settings) => ({ format: settings.format, bytes: await writeSample(settings) })));
  const hostile = [
    ...hostileQcow2s().map(({ bytes }) => ({ format: 'qcow2' as const, bytes })),
    ...hostileVmdks().map(({ bytes }) => ({ format: 'vmdk' as const, bytes })),
  ];
  return [...whole, ...hostile.filter((seed) => seed.bytes.length <= MIB)];
}

/** Half the time a whole image: damage to it reaches places that a refused one never lets anybody see. */
export function pickSeed(seeds: readonly Seed[], random: Random): Seed | undefined {
  return seeds[random.below(2) === 0 ? random.below(SETTINGS.length) : random.below(seeds.length)];
}

async function writeSample(settings: ImageSettings): Promise<Uint8Array> {
  const file = new MemoryFile();
  const medium = { file, sync: async () => {}, publish: () => {}, discard: () => {} };
  await using sink = new ImageSink(medium, 2 * MIB + 512, settings);
  const { signal } = new AbortController();
  for (const offset of [0, 70 * KIB, MIB]) await sink.write(offset, Buffer.from(`some content at ${offset} `.repeat(300)), { signal });
  await sink.finish({ signal });
  return file.bytes.slice();
}

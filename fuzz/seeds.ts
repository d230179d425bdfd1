import { KIB, MIB, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { MemoryFile } from '../packages/disk/src/file/memory-file.ts';
import { hostileQcow2s } from '../packages/disk/src/format/qcow2/hostile-qcow2s.ts';
import { buildChain, deltaKinds } from '../packages/disk/src/format/vmdk/build-chain.ts';
import { hostileVdis } from '../packages/disk/src/format/vdi/hostile-vdis.ts';
import { hostileVhds } from '../packages/disk/src/format/vhd/hostile-vhds.ts';
import { hostileVmdks, type HostileVmdk } from '../packages/disk/src/format/vmdk/hostile-vmdks.ts';
import { ImageSink } from '../packages/disk/src/format/image-sink.ts';
import type { Random } from './random.ts';
import type { Around } from './read-all.ts';

export interface Seed {
  readonly format: ImageFormat;
  /** What is damaged: the image, or one of the files around it. */
  readonly bytes: Uint8Array;
  readonly around?: Around;
}

export interface Seeds {
  /** Images that are read without complaint when they are not damaged. */
  readonly sound: readonly Seed[];
  /** Images that a reader is known to refuse: the places from which damage goes further. */
  readonly hostile: readonly Seed[];
}

const SETTINGS: readonly ImageSettings[] = [
  { format: 'qcow2', clusterSize: 4 * KIB },
  { format: 'qcow2', compatVersion: 2 },
  { format: 'qcow2', compression: 'zlib' },
  { format: 'qcow2', compression: 'zstd' },
  { format: 'qcow2', extendedL2: true, clusterSize: 16 * KIB },
  { format: 'vmdk', subformat: 'monolithicSparse' },
  { format: 'vmdk', subformat: 'streamOptimized' },
  { format: 'vhdx', clusterSize: MIB },
  { format: 'vhd', clusterSize: 512 * KIB },
  { format: 'vhd', subformat: 'fixed' },
  { format: 'vdi' },
  { format: 'vdi', subformat: 'static' },
];

export async function makeSeeds(): Promise<Seeds> {
  const whole = await Promise.all(SETTINGS.map(async (settings) => ({ format: settings.format, bytes: await writeSample(settings) })));
  const hostile = [
    ...hostileQcow2s().map(({ bytes }) => ({ format: 'qcow2' as const, bytes })),
    ...hostileVmdks().map(toSeed),
    ...hostileVhds().map(({ bytes }) => ({ format: 'vhd' as const, bytes })),
    ...hostileVdis().map(({ bytes }) => ({ format: 'vdi' as const, bytes })),
  ];
  return { sound: [...whole, ...deltas()], hostile: hostile.filter((seed) => seed.bytes.length <= MIB) };
}

/** A delta of every kind over a base: its descriptor, or one of its extents, is damaged. */
const deltas = (): readonly Seed[] =>
  deltaKinds.flatMap((kind) => {
    const { files, top } = buildChain([1, 2, 3, 4], [{ kind, cells: ['hole', 'zero', 5, 'hole'] }], { firstGrain: 0 });
    const own = Object.entries(files).filter(([name]) => !name.startsWith('base'));
    return own.map(([name, bytes]) => ({ format: 'vmdk' as const, bytes, around: { top, name, files } }));
  });

/** Of a disk that lies in several files, the one beside it is what is wrong. */
function toSeed({ bytes, beside }: HostileVmdk): Seed {
  const [other] = Object.entries(beside ?? {});
  if (!other) return { format: 'vmdk', bytes };
  return { format: 'vmdk', bytes: other[1], around: { top: 'disk.vmdk', name: other[0], files: { ...beside, 'disk.vmdk': bytes } } };
}

/** Half the time a whole image: damage to it reaches places that a refused one never lets anybody see. */
export function pickSeed({ sound, hostile }: Seeds, random: Random): Seed | undefined {
  const seeds = random.below(2) === 0 ? sound : hostile;
  return seeds[random.below(seeds.length)];
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

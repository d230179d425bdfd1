import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { GIB, KIB, MIB } from '@hypersdk/domain';
import { filled, guestEdits, islandsOn, lastBytes, writeRaw, type DiskContent } from './disk-content.ts';
import { qemuImg, qemuIo } from './qemu.ts';
import type { SourceImage } from './source-image.ts';

interface Recipe {
  readonly content: DiskContent;
  /** What `-o` of qemu-img takes. */
  readonly options?: string;
  readonly compressed?: true;
  /** For qemu-io, after the content. */
  readonly edits?: readonly string[];
  /** More to do to the finished image. */
  readonly change?: (path: string) => Promise<unknown>;
}

const CLUSTER_SIZES = Array.from({ length: 13 }, (_, at) => 512 * 2 ** at);
const CONTENT_SIZE = 5 * MIB + 7 * 512;

async function makeQcow2(folder: string, { content, options = '', compressed, edits = [], change }: Recipe): Promise<string> {
  const path = join(folder, 'disk.qcow2');
  const raw = await writeRaw(join(folder, 'content.raw'), content);
  // A source that is empty would leave its options to chance, so the image is made first and filled afterwards.
  const chosen = options === '' ? [] : ['-o', options];
  await qemuImg('convert', '-t', 'unsafe', '-f', 'raw', '-O', 'qcow2', ...chosen, ...(compressed ? ['-c'] : []), raw, path);
  if (edits.length > 0) await qemuIo(path, 'qcow2', edits);
  await change?.(path);
  return path;
}

const qcow2 = (name: string, recipe: Recipe): SourceImage => ({
  name: `qcow2: ${name}`,
  format: 'qcow2',
  kind: 'qcow2',
  make: (folder) => makeQcow2(folder, recipe),
});

const lively = (seed: number): Pick<Recipe, 'content' | 'edits'> => ({
  content: islandsOn(CONTENT_SIZE, seed, { align: 512 }),
  edits: guestEdits(CONTENT_SIZE, seed + 1),
});

export const qcow2Images = (): readonly SourceImage[] => [
  ...CLUSTER_SIZES.flatMap((size, at) => [
    qcow2(`clusters of ${size}, version 2`, { ...lively(1000 + at), options: `compat=0.10,cluster_size=${size}` }),
    qcow2(`clusters of ${size}, version 3`, { ...lively(1100 + at), options: `compat=1.1,cluster_size=${size}` }),
  ]),
  ...[16, 32, 64, 128, 512, 2048].map((kib, at) =>
    qcow2(`extended L2, clusters of ${kib} KiB`, { ...lively(1200 + at), options: `extended_l2=on,cluster_size=${kib}k` }),
  ),
  ...[1, 2, 4, 8, 32, 64].map((bits, at) =>
    qcow2(`refcounts of ${bits} bits`, { ...lively(1300 + at), options: `refcount_bits=${bits},cluster_size=4k` }),
  ),
  ...(['zlib', 'zstd'] as const).flatMap((type, kind) => [
    ...[512, 4 * KIB, 64 * KIB, 2 * MIB].flatMap((size, at) => [
      qcow2(`${type}, clusters of ${size}`, {
        content: mixed(1400 + kind * 10 + at),
        options: `compression_type=${type},cluster_size=${size}`,
        compressed: true,
      }),
      qcow2(`${type}, clusters of ${size}, rewritten`, {
        ...lively(1500 + kind * 10 + at),
        options: `compression_type=${type},cluster_size=${size}`,
        compressed: true,
      }),
    ]),
    qcow2(`${type} with extended L2`, { ...lively(1600 + kind), options: `compression_type=${type},extended_l2=on`, compressed: true }),
  ]),
  ...['metadata', 'falloc', 'full'].map((mode, at) => qcow2(`preallocation ${mode}`, { ...lively(1700 + at), options: `preallocation=${mode}` })),
  ...special(),
];

function special(): readonly SourceImage[] {
  const content = islandsOn(CONTENT_SIZE, 1800, { align: 512 });
  return [
    qcow2('empty', { content: { virtualSize: 12 * MIB, islands: [], seed: 1 } }),
    qcow2('no size', { content: { virtualSize: 0, islands: [], seed: 1 } }),
    qcow2('full', { content: filled(6 * MIB, 1801) }),
    qcow2('only the last sector', { content: lastBytes(24 * MIB + 512, 1802) }),
    qcow2('a cluster and a sector', { content: filled(64 * KIB + 512, 1803) }),
    qcow2('a cluster less a sector', { content: filled(64 * KIB - 512, 1804) }),
    qcow2('zeros written over everything', { content, edits: [`write -z 0 ${CONTENT_SIZE}`] }),
    qcow2('everything discarded', { content, edits: [`discard 0 ${CONTENT_SIZE}`] }),
    qcow2('only zero clusters', { content: { virtualSize: 16 * MIB, islands: [], seed: 1 }, edits: ['write -z 0 16M'] }),
    qcow2('zero-written with its clusters kept', { content, edits: ['write -P 9 0 4M', 'write -z 64k 3M'], options: 'preallocation=metadata' }),
    qcow2('fragmented', { content, edits: Array.from({ length: 40 }, (_, at) => `write -P ${at + 1} ${(((at * 37) % 79) * 65_536).toString()} 4k`) }),
    qcow2('lazy refcounts', { ...lively(1810), options: 'lazy_refcounts=on' }),
    qcow2('internal snapshots', { content, change: takeSnapshots }),
    qcow2('grown', { content, change: (path) => qemuImg('resize', path, `${CONTENT_SIZE + 3 * MIB}`) }),
    qcow2('shrunk', { content, change: (path) => qemuImg('resize', '--shrink', path, `${2 * MIB}`) }),
    qcow2('a cluster across 2 GiB of the file', { content: filled(3 * MIB, 1811), change: (path) => moveCluster(path, 2 * GIB) }),
    qcow2('a cluster beyond 4 GiB of the file', { content: filled(3 * MIB, 1812), change: (path) => moveCluster(path, 4 * GIB) }),
    qcow2('a cluster far beyond 4 GiB of the file', { content: filled(3 * MIB, 1813), change: (path) => moveCluster(path, 77 * GIB) }),
    {
      ...qcow2('host offsets through 2 and 4 GiB', { content: { virtualSize: 0, islands: [], seed: 1 }, change: makeLong }),
      scale: 'large',
    },
  ];
}

/** Noise, text-like runs and holes, so that some clusters compress, some do not and some are absent. */
function mixed(seed: number): DiskContent {
  const content = islandsOn(CONTENT_SIZE, seed, { align: 512 });
  return {
    ...content,
    islands: [...content.islands, { offset: MIB, length: MIB, fill: 7 }, { offset: 3 * MIB, length: 300 * KIB, fill: 'noise' }],
  };
}

async function takeSnapshots(path: string): Promise<void> {
  await qemuImg('snapshot', '-c', 'before', path);
  await qemuIo(path, 'qcow2', guestEdits(CONTENT_SIZE, 1820));
  await qemuImg('snapshot', '-c', 'between', path);
  await qemuIo(path, 'qcow2', guestEdits(CONTENT_SIZE, 1821));
}

/** Puts the second cluster of the disk elsewhere in the file (QEMU docs/interop/qcow2, "Cluster mapping"). The refcounts are left: readers do not look at them. */
async function moveCluster(path: string, to: number): Promise<void> {
  const size = 64 * KIB;
  await using file = await open(path, 'r+');
  const field = Buffer.alloc(8);
  const pointer = async (at: number): Promise<number> => {
    await file.read(field, 0, 8, at);
    return Number(field.readBigUInt64BE() & 0x00ff_ffff_ffff_fe00n);
  };
  const entry = (await pointer(await pointer(40))) + 8;
  const cluster = Buffer.alloc(size);
  await file.read(cluster, 0, size, await pointer(entry));
  await file.write(cluster, 0, size, to);
  field.writeBigUInt64BE(BigInt(to) | (1n << 63n));
  await file.write(field, 0, 8, entry);
}

/** A disk whose clusters are all mapped, in one line through the file, so that what is written late lies far behind. */
async function makeLong(path: string): Promise<void> {
  const made = `${path}.made`;
  await qemuImg('create', '-f', 'qcow2', '-o', 'preallocation=metadata', made, `${4 * GIB + 128 * MIB}`);
  const places = [0, 2 * GIB - MIB, 4 * GIB - MIB, 4 * GIB + 128 * MIB - 65_536];
  await qemuIo(
    made,
    'qcow2',
    places.map((at, index) => `write -P ${index + 1} ${at} 64k`),
  );
  await rename(made, path);
}

import { join } from 'node:path';
import { GIB, KIB, MIB, TIB } from '@hypersdk/domain';
import { guestEdits, islandsOn, writeRaw, type DiskContent } from './disk-content.ts';
import { qemuImg, qemuImgIn, qemuIo } from './qemu.ts';
import type { SourceImage } from './source-image.ts';

const SIZE = 6 * MIB + 3 * 512;

interface Overlay {
  readonly options?: string;
  readonly size?: number;
  readonly edits: readonly string[];
}

/** An overlay over a base that `convert` makes from raw content, and more overlays over that. */
const chain = (
  name: string,
  base: { readonly convert: readonly string[]; readonly format: string; readonly content: DiskContent },
  overlays: readonly Overlay[],
): SourceImage => ({
  name: `qcow2 over ${base.format}: ${name}`,
  format: 'qcow2',
  kind: 'qcow2 chain',
  references: 'beside',
  async make(folder) {
    const raw = await writeRaw(join(folder, 'content.raw'), base.content);
    let below = { name: `base.${base.format}`, format: base.format };
    await qemuImg('convert', '-t', 'unsafe', '-f', 'raw', '-O', base.format, ...base.convert, raw, join(folder, below.name));
    for (const [at, { options = '', size = base.content.virtualSize, edits }] of overlays.entries()) {
      const path = join(folder, `overlay-${at}.qcow2`);
      await qemuImg('create', '-f', 'qcow2', '-b', below.name, '-F', below.format, ...(options ? ['-o', options] : []), path, `${size}`);
      await qemuIo(path, 'qcow2', edits);
      below = { name: `overlay-${at}.qcow2`, format: 'qcow2' };
    }
    return join(folder, below.name);
  },
});

/** Deltas over a base, as VMware keeps snapshots. */
const deltas = (name: string, o: { readonly subformat: string; readonly seed: number; readonly options?: string }): SourceImage => ({
  name: `vmdk deltas over ${o.subformat}: ${name}`,
  format: 'vmdk',
  kind: 'vmdk chain',
  references: 'beside',
  async make(folder) {
    const raw = await writeRaw(join(folder, 'content.raw'), base(o.seed));
    await qemuImg('convert', '-t', 'unsafe', '-f', 'raw', '-O', 'vmdk', '-o', `subformat=${o.subformat}`, raw, join(folder, 'delta-0.vmdk'));
    for (const at of [1, 2, 3]) {
      const path = join(folder, `delta-${at}.vmdk`);
      await qemuImg('create', '-f', 'vmdk', '-b', `delta-${at - 1}.vmdk`, '-F', 'vmdk', ...(o.options ? ['-o', o.options] : []), path);
      // Without zeroed grains, and without unmapping, QEMU writes no zeros into a VMDK.
      const edits = guestEdits(SIZE, o.seed + at, 12).filter((command) => command.startsWith('write -P'));
      await qemuIo(path, 'vmdk', [...edits, ...(o.options ? [`write -z ${at * MIB} ${MIB}`] : [])]);
    }
    return join(folder, 'delta-3.vmdk');
  },
});

const besideContent = (name: string, o: { readonly options: string; readonly seed: number }): SourceImage => ({
  name: `qcow2 with a data file: ${name}`,
  format: 'qcow2',
  kind: 'qcow2 data file',
  references: 'beside',
  async make(folder) {
    const path = join(folder, 'disk.qcow2');
    await qemuImgIn(folder, 'create', '-f', 'qcow2', '-o', `data_file=disk.bin,${o.options}`, 'disk.qcow2', `${SIZE}`);
    await qemuIo(path, 'qcow2', [...guestEdits(SIZE, o.seed, 16), 'write -P 8 1M 200k']);
    return path;
  },
});

const base = (seed: number, size = SIZE): DiskContent => islandsOn(size, seed, { align: 512, count: 12 });
const qcow2Base = (seed: number) => ({ convert: [], format: 'qcow2', content: base(seed) }) as const;

export const joinedImages = (): readonly SourceImage[] => [
  chain('rewritten', qcow2Base(3000), [{ edits: guestEdits(SIZE, 3001) }]),
  chain('three deep', qcow2Base(3002), [{ edits: guestEdits(SIZE, 3003) }, { edits: guestEdits(SIZE, 3004) }, { edits: guestEdits(SIZE, 3005) }]),
  chain('extended L2', qcow2Base(3006), [{ options: 'extended_l2=on', edits: guestEdits(SIZE, 3007, 20) }]),
  chain('small clusters over a compressed base', { convert: ['-c'], format: 'qcow2', content: base(3008) }, [
    { options: 'cluster_size=512', edits: guestEdits(SIZE, 3009) },
  ]),
  chain('longer than its base', qcow2Base(3010), [{ size: SIZE + 3 * MIB, edits: guestEdits(SIZE + 3 * MIB, 3011) }]),
  chain('shorter than its base', qcow2Base(3012), [{ size: 2 * MIB + 512, edits: guestEdits(2 * MIB, 3013) }]),
  chain('a base that ends inside a cluster', { convert: [], format: 'raw', content: base(3014, MIB + 512) }, [
    { size: SIZE, edits: ['write -P 5 1M 512', 'write -P 6 3M 8k'] },
  ]),
  chain('rewritten', { convert: [], format: 'raw', content: base(3016) }, [{ edits: guestEdits(SIZE, 3017) }]),
  chain('rewritten', { convert: ['-o', 'subformat=monolithicSparse'], format: 'vmdk', content: base(3018) }, [{ edits: guestEdits(SIZE, 3019) }]),
  chain('rewritten, from a stream', { convert: ['-o', 'subformat=streamOptimized'], format: 'vmdk', content: base(3020) }, [
    { edits: guestEdits(SIZE, 3021) },
  ]),
  deltas('three deep', { subformat: 'monolithicSparse', seed: 3040 }),
  deltas('three deep with zeroed grains', { subformat: 'monolithicSparse', seed: 3050, options: 'zeroed_grain=on' }),
  deltas('three deep', { subformat: 'monolithicFlat', seed: 3060 }),
  deltas('three deep', { subformat: 'twoGbMaxExtentSparse', seed: 3070 }),
  chain('three deep over raw', { convert: [], format: 'raw', content: base(3080) }, [
    { edits: guestEdits(SIZE, 3081) },
    { options: 'cluster_size=4k', edits: guestEdits(SIZE, 3082) },
    { edits: guestEdits(SIZE, 3083) },
  ]),
  besideContent('raw', { options: 'data_file_raw=on', seed: 3030 }),
  besideContent('not raw', { options: 'data_file_raw=off', seed: 3031 }),
  besideContent('small clusters', { options: 'data_file_raw=off,cluster_size=4k', seed: 3032 }),
  besideContent('extended L2', { options: 'data_file_raw=off,extended_l2=on', seed: 3033 }),
];

/** Islands at both ends and in the middle. Names of sizes follow the island that is last. */
const ends = (size: number): readonly string[] => ['write -P 1 0 64k', `write -P 2 ${size / 2 - 512} 4k`, `write -P 3 ${size - 128 * KIB} 128k`];

const giant = (name: string, o: { readonly format: 'raw' | 'qcow2' | 'vmdk'; readonly size: number; readonly options?: string }): SourceImage => ({
  name: `${o.format}: ${name}`,
  format: o.format,
  kind: o.format === 'vmdk' ? 'vmdk monolithicSparse' : o.format,
  scale: 'giant',
  async make(folder) {
    const path = join(folder, `disk.${o.format}`);
    await qemuImg('create', '-f', o.format, ...(o.options ? ['-o', o.options] : []), path, `${o.size}`);
    await qemuIo(path, o.format, ends(o.size));
    return path;
  },
});

/** A file system with blocks of 4 KiB ends just below 16 TiB. */
const RAW_MOST = 16 * TIB - 102 * GIB;

export const giantImages = (): readonly SourceImage[] => [
  giant('2 TiB', { format: 'raw', size: 2 * TIB }),
  giant('15.9 TiB', { format: 'raw', size: RAW_MOST }),
  giant('2 TiB', { format: 'qcow2', size: 2 * TIB }),
  giant('16 TiB', { format: 'qcow2', size: 16 * TIB }),
  giant('16 TiB in clusters of 2 MiB', { format: 'qcow2', size: 16 * TIB, options: 'cluster_size=2M' }),
  giant('2 TiB less a sector', { format: 'vmdk', size: 2 * TIB - 512 }),
  giant('16 TiB', { format: 'vmdk', size: 16 * TIB }),
];

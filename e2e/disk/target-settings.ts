import { KIB, MIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';

/** What a copy is written as. */
export interface TargetSettings {
  readonly name: string;
  readonly settings: ImageSettings;
}

const target = (name: string, settings: ImageSettings): TargetSettings => ({ name, settings });

/** The plain form of each format: every kind of image is copied to each of them. */
export const plainTargets: readonly TargetSettings[] = [
  target('raw', { format: 'raw' }),
  target('qcow2', { format: 'qcow2' }),
  target('vmdk monolithicSparse', { format: 'vmdk', subformat: 'monolithicSparse' }),
  target('vmdk streamOptimized', { format: 'vmdk', subformat: 'streamOptimized' }),
  target('vhd dynamic', { format: 'vhd' }),
  target('vdi dynamic', { format: 'vdi' }),
  target('vhdx dynamic', { format: 'vhdx' }),
];

/** Everything else that can be chosen; images take turns at them. */
export const variantTargets: readonly TargetSettings[] = [
  target('raw falloc', { format: 'raw', preallocation: 'falloc' }),
  target('raw full', { format: 'raw', preallocation: 'full' }),
  target('qcow2 version 2', { format: 'qcow2', compatVersion: 2 }),
  target('qcow2 version 2, zlib', { format: 'qcow2', compatVersion: 2, compression: 'zlib', clusterSize: 4 * KIB }),
  ...[512, 2 * KIB, 4 * KIB, 32 * KIB, 128 * KIB, MIB, 2 * MIB].map((clusterSize) =>
    target(`qcow2 clusters of ${clusterSize}`, { format: 'qcow2', clusterSize }),
  ),
  ...[1, 4, 32, 64].map((refcountBits) => target(`qcow2 refcounts of ${refcountBits} bits`, { format: 'qcow2', refcountBits, clusterSize: 4 * KIB })),
  ...[16 * KIB, 64 * KIB, 2 * MIB].map((clusterSize) =>
    target(`qcow2 extended L2, ${clusterSize}`, { format: 'qcow2', extendedL2: true, clusterSize }),
  ),
  target('qcow2 extended L2, zstd', { format: 'qcow2', extendedL2: true, compression: 'zstd' }),
  target('qcow2 lazy refcounts', { format: 'qcow2', lazyRefcounts: true }),
  ...(['zlib', 'zstd'] as const).flatMap((compression) =>
    [512, 64 * KIB, 2 * MIB].map((clusterSize) =>
      target(`qcow2 ${compression}, clusters of ${clusterSize}`, { format: 'qcow2', compression, clusterSize }),
    ),
  ),
  target('qcow2 zlib 9', { format: 'qcow2', compression: 'zlib', compressionLevel: 9 }),
  target('qcow2 zstd 19', { format: 'qcow2', compression: 'zstd', compressionLevel: 19 }),
  ...(['metadata', 'falloc', 'full'] as const).map((preallocation) =>
    target(`qcow2 preallocation ${preallocation}`, { format: 'qcow2', preallocation }),
  ),
  target('vhd blocks of 512 KiB', { format: 'vhd', clusterSize: 512 * KIB }),
  target('vhd fixed', { format: 'vhd', subformat: 'fixed' }),
  target('vhd fixed, full', { format: 'vhd', subformat: 'fixed', preallocation: 'full' }),
  target('vdi static', { format: 'vdi', subformat: 'static' }),
  target('vdi static, falloc', { format: 'vdi', subformat: 'static', preallocation: 'falloc' }),
  // QEMU reads no VHDX of other sectors than 512 bytes.
  target('vhdx blocks of 1 MiB', { format: 'vhdx', clusterSize: MIB }),
  target('vhdx blocks of 256 MiB', { format: 'vhdx', clusterSize: 256 * MIB }),
  target('vhdx fixed', { format: 'vhdx', subformat: 'fixed' }),
  target('vhdx fixed, falloc', { format: 'vhdx', subformat: 'fixed', clusterSize: 2 * MIB, preallocation: 'falloc' }),
  target('vmdk twoGbMaxExtentSparse', { format: 'vmdk', subformat: 'twoGbMaxExtentSparse' }),
  target('vmdk twoGbMaxExtentFlat', { format: 'vmdk', subformat: 'twoGbMaxExtentFlat' }),
  target('vmdk monolithicFlat', { format: 'vmdk', subformat: 'monolithicFlat' }),
  target('vmdk monolithicFlat, full', { format: 'vmdk', subformat: 'monolithicFlat', preallocation: 'full' }),
  target('vmdk streamOptimized 1', { format: 'vmdk', subformat: 'streamOptimized', compressionLevel: 1 }),
  target('vmdk streamOptimized 9', { format: 'vmdk', subformat: 'streamOptimized', compressionLevel: 9 }),
];

/** For disks of gigabytes and more: nothing that is preallocated or made of small pieces. */
export const largeTargets: readonly TargetSettings[] = [
  ...plainTargets,
  // Disks of more than one extent.
  target('vmdk twoGbMaxExtentSparse', { format: 'vmdk', subformat: 'twoGbMaxExtentSparse' }),
  target('qcow2 clusters of 2 MiB', { format: 'qcow2', clusterSize: 2 * MIB }),
  target('qcow2 zstd', { format: 'qcow2', compression: 'zstd' }),
];

import { HyperError, KIB, MIB, TIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { geometryOf } from './plan.ts';
import { qcow2Writer } from './writer.ts';

const plan = (virtualSize: number, settings: Omit<ImageSettings, 'format'> = {}): ReturnType<typeof qcow2Writer.plan> =>
  qcow2Writer.plan(virtualSize, { format: 'qcow2', ...settings });

describe('the plan of a qcow2 image', () => {
  test('has the usual choices of version 3', () => {
    expect(plan(MIB)).toEqual({
      virtualSize: MIB,
      unitSize: 64 * KIB,
      placement: 'assigned',
      version: 3,
      clusterBits: 16,
      refcountBits: 16,
      lazyRefcounts: false,
      extendedL2: false,
      compression: 'none',
      compressionLevel: 0,
      preallocation: 'off',
    });
  });

  test('writes sub-clusters, unless they are compressed', () => {
    expect(plan(MIB, { extendedL2: true }).unitSize).toBe(2 * KIB);
    expect(plan(MIB, { extendedL2: true, compression: 'zstd' }).unitSize).toBe(64 * KIB);
  });

  test.each<[string, Omit<ImageSettings, 'format'>]>([
    ['version 2', { compatVersion: 2 }],
    ['extended L2', { extendedL2: true }],
    ['preallocated', { preallocation: 'metadata' }],
    ['at least 4096', { clusterSize: 512 }],
    ['has 1024 bytes', { backing: { name: 'x'.repeat(1024), format: 'raw' } }],
  ])('of an overlay refuses what would hide or not hold what lies below: %s', (what, settings) => {
    expect(() => plan(MIB, { backing: { name: '../below/disk-0.qcow2', format: 'qcow2' }, ...settings })).toThrow(what);
  });

  test('records whole sectors, for QEMU counts no others', () => {
    expect(geometryOf(plan(513)).recordedSize).toBe(1024);
  });

  test.each<[string, number, Omit<ImageSettings, 'format'>]>([
    ['a cluster size of 1000 bytes', MIB, { clusterSize: 1000 }],
    ['a cluster size of 256 bytes', MIB, { clusterSize: 256 }],
    ['a cluster size of 4194304 bytes', MIB, { clusterSize: 4 * MIB }],
    ['not 3', MIB, { refcountBits: 3 }],
    ['version 2 knows only refcounts of 16 bits', MIB, { compatVersion: 2, refcountBits: 8 }],
    ['version 2 knows no lazy refcounts', MIB, { compatVersion: 2, lazyRefcounts: true }],
    ['version 2 knows no extended L2', MIB, { compatVersion: 2, extendedL2: true }],
    ['version 2 knows no zstd', MIB, { compatVersion: 2, compression: 'zstd' }],
    ['extended L2 entries need clusters of at least 16384', MIB, { clusterSize: 8 * KIB, extendedL2: true }],
    ['a compressed image cannot be preallocated', MIB, { compression: 'zlib', preallocation: 'falloc' }],
    ['zlib has the levels 1 to 9, not 10', MIB, { compression: 'zlib', compressionLevel: 10 }],
    ['zstd has the levels', MIB, { compression: 'zstd', compressionLevel: 0 }],
    ['a compression level needs a compression', MIB, { compressionLevel: 3 }],
    ['qcow2 has no subformats', MIB, { subformat: 'flat' }],
    ['clusters of 512 bytes are too small', TIB, { clusterSize: 512 }],
    ['with refcounts of 64 bits are too small', 100 * 1024 * MIB, { clusterSize: 512, refcountBits: 64 }],
    ['above the limit', 65 * TIB, {}],
  ])('refuses: %s', (message, virtualSize, settings) => {
    expect(() => plan(virtualSize, settings)).toThrow(HyperError);
    expect(() => plan(virtualSize, settings)).toThrow(message);
  });
});

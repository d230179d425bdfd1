import { GIB, HyperError, KIB, MIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { geometryFor, sizeOfGeometry } from './geometry.ts';
import { vhdWriter } from './writer.ts';

const plan = (virtualSize: number, settings: Partial<ImageSettings> = {}) => vhdWriter.plan(virtualSize, { format: 'vhd', ...settings });

describe('a plan', () => {
  test('is a dynamic disk of whole sectors in blocks of 2 MiB, unless something else is asked for', () => {
    expect(plan(1000)).toEqual({
      virtualSize: 1024,
      unitSize: 64 * KIB,
      placement: 'assigned',
      kind: 'dynamic',
      blockSize: 2 * MIB,
      preallocation: 'off',
    });
    expect(plan(MIB, { clusterSize: 512 * KIB })).toMatchObject({ blockSize: 512 * KIB });
    expect(plan(MIB + 1, { subformat: 'fixed', preallocation: 'full' })).toMatchObject({
      kind: 'fixed',
      virtualSize: MIB + 512,
      placement: 'identity',
    });
  });

  test('is a fixed disk of whole mebibytes for Azure', () => {
    expect(plan(5 * MIB + 1, { subformat: 'azure' })).toMatchObject({ kind: 'fixed', virtualSize: 6 * MIB });
    expect(plan(5 * MIB, { subformat: 'azure' })).toMatchObject({ virtualSize: 5 * MIB });
  });

  test.each([
    ['size above 0', 0, {}],
    ['1.99 TiB of the format', 2040 * GIB + 1, {}],
    ['differencing', MIB, { subformat: 'differencing' }],
    ['cluster size', MIB, { subformat: 'fixed', clusterSize: MIB }],
    ['not 65536', MIB, { clusterSize: 64 * KIB }],
    ['compression', MIB, { compression: 'zlib' }],
    ['compression level', MIB, { compressionLevel: 3 }],
    ['sector size', MIB, { sectorSize: 4096 }],
    ['compat version', MIB, { compatVersion: 2 }],
    ['preallocation full', MIB, { preallocation: 'full' }],
    ['metadata', MIB, { subformat: 'fixed', preallocation: 'metadata' }],
  ] as const)('names what it cannot do: %s', (fragment, virtualSize, settings) => {
    expect(() => plan(virtualSize, settings)).toThrow(HyperError);
    expect(() => plan(virtualSize, settings)).toThrow(expect.objectContaining({ code: 'usage/invalid', message: expect.stringContaining(fragment) }));
  });
});

describe('a geometry', () => {
  // Of disks that Hyper-V and QEMU made.
  test.each([
    [10 * MIB, 301, 4, 17],
    [100 * MIB, 1003, 12, 17],
    [GIB, 2080, 16, 63],
    [40 * GIB, 20_560, 16, 255],
    [127 * GIB, 65_278, 16, 255],
    [130 * GIB, 65_535, 16, 255],
    [2040 * GIB, 65_535, 16, 255],
  ])('of %i bytes', (size, ...expected) => {
    const geometry = geometryFor(size);
    expect([geometry.cylinders, geometry.heads, geometry.sectors]).toEqual(expected);
    expect(sizeOfGeometry(geometry)).toBeLessThanOrEqual(size);
  });
});

import { imageFormats, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import fc from 'fast-check';

/** Settings that the format knows, in combinations that it allows. */
export const imageSettings = (format?: ImageFormat): fc.Arbitrary<ImageSettings> =>
  fc.constantFrom(...(format ? [format] : imageFormats)).chain((chosen): fc.Arbitrary<ImageSettings> => settingsByFormat[chosen]);

const raw: fc.Arbitrary<ImageSettings> = fc.record(
  { format: fc.constant('raw'), preallocation: fc.constantFrom('off', 'falloc', 'full') },
  { requiredKeys: ['format'] },
);

const vmdk: fc.Arbitrary<ImageSettings> = fc.oneof(
  fc.constant({ format: 'vmdk' } as const),
  fc.constant({ format: 'vmdk', subformat: 'monolithicSparse' } as const),
  fc.record(
    { format: fc.constant('vmdk'), subformat: fc.constant('streamOptimized'), compressionLevel: fc.integer({ min: 1, max: 9 }) },
    { requiredKeys: ['format', 'subformat'] },
  ),
);

const vhd: fc.Arbitrary<ImageSettings> = fc.oneof(
  fc.record(
    { format: fc.constant('vhd'), subformat: fc.constant('dynamic'), clusterSize: fc.constantFrom(512 * 1024, 1024 * 1024, 2 * 1024 * 1024) },
    { requiredKeys: ['format'] },
  ),
  fc.record(
    { format: fc.constant('vhd'), subformat: fc.constant('fixed'), preallocation: fc.constantFrom('off', 'falloc', 'full') },
    { requiredKeys: ['format', 'subformat'] },
  ),
);

const vdi: fc.Arbitrary<ImageSettings> = fc.oneof(
  fc.record({ format: fc.constant('vdi'), subformat: fc.constant('dynamic') }, { requiredKeys: ['format'] }),
  fc.record(
    { format: fc.constant('vdi'), subformat: fc.constant('static'), preallocation: fc.constantFrom('off', 'falloc', 'full') },
    { requiredKeys: ['format', 'subformat'] },
  ),
);

const vhdx: fc.Arbitrary<ImageSettings> = fc.oneof(
  fc.record(
    {
      format: fc.constant('vhdx'),
      subformat: fc.constant('dynamic'),
      clusterSize: fc.integer({ min: 20, max: 28 }).map((bits) => 2 ** bits),
      sectorSize: fc.constantFrom(512, 4096),
    },
    { requiredKeys: ['format'] },
  ),
  fc.record(
    { format: fc.constant('vhdx'), subformat: fc.constant('fixed'), preallocation: fc.constantFrom('off', 'falloc') },
    { requiredKeys: ['format', 'subformat'] },
  ),
);

const clusterSize = (least: number): fc.Arbitrary<number> => fc.integer({ min: Math.log2(least), max: 21 }).map((bits) => 2 ** bits);

/** Version 2 knows neither other refcount widths nor lazy refcounts, extended entries or zstd. */
const qcow2Version2: fc.Arbitrary<ImageSettings> = fc.record(
  { format: fc.constant('qcow2'), compatVersion: fc.constant(2), clusterSize: clusterSize(512), compression: fc.constantFrom('none', 'zlib') },
  { requiredKeys: ['format', 'compatVersion'] },
);

const qcow2Version3: fc.Arbitrary<ImageSettings> = fc.record(
  {
    format: fc.constant('qcow2'),
    compatVersion: fc.constant(3),
    clusterSize: clusterSize(512),
    refcountBits: fc.constantFrom(1, 2, 4, 8, 16, 32, 64),
    lazyRefcounts: fc.boolean(),
    compression: fc.constantFrom('none', 'zlib', 'zstd'),
  },
  { requiredKeys: ['format'] },
);

/** A cluster has 32 parts of at least one sector each. */
const qcow2Extended: fc.Arbitrary<ImageSettings> = fc.record(
  { format: fc.constant('qcow2'), extendedL2: fc.constant(true), clusterSize: clusterSize(32 * 512), lazyRefcounts: fc.boolean() },
  { requiredKeys: ['format', 'extendedL2', 'clusterSize'] },
);

const settingsByFormat: Readonly<Record<ImageFormat, fc.Arbitrary<ImageSettings>>> = {
  raw,
  vmdk,
  vhdx,
  vhd,
  vdi,
  qcow2: fc.oneof(qcow2Version2, qcow2Version3, qcow2Extended),
};

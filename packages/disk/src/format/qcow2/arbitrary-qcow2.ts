import { KIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import fc from 'fast-check';

/** Test only. Clusters stay small, so that disks of some hundred KiB have several L2 tables and refcount blocks. */
const clusterSizes = [512, 1024, 2048, 4096, 16 * KIB, 64 * KIB, 2048 * KIB] as const;

/** A run of a disk: zeros, one byte repeated, or bytes that do not compress. */
const runArbitrary = fc.record({
  length: fc.integer({ min: 1, max: 60_000 }),
  kind: fc.constantFrom('zero', 'repeated', 'noise'),
  seed: fc.integer({ min: 1, max: 2 ** 30 }),
});

/** Bytes that do not compress. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function fill(length: number, kind: 'zero' | 'repeated' | 'noise', seed: number): Buffer {
  return kind === 'noise' ? noise(length, seed) : Buffer.alloc(length, kind === 'repeated' ? 1 + (seed % 255) : 0);
}

/** Content of a disk, of any size in bytes. */
export const contentArbitrary: fc.Arbitrary<Buffer> = fc
  .array(runArbitrary, { minLength: 0, maxLength: 8 })
  .map((runs) => Buffer.concat(runs.map(({ length, kind, seed }) => fill(length, kind, seed))));

const plain: fc.Arbitrary<Omit<ImageSettings, 'format'>> = fc.record({
  clusterSize: fc.constantFrom(...clusterSizes),
  refcountBits: fc.constantFrom(1, 2, 4, 8, 16, 32, 64),
  compression: fc.constantFrom('none' as const, 'zlib' as const, 'zstd' as const),
  lazyRefcounts: fc.boolean(),
});
const extended: fc.Arbitrary<Omit<ImageSettings, 'format'>> = fc.record({
  clusterSize: fc.constantFrom(16 * KIB, 64 * KIB),
  extendedL2: fc.constant(true),
  compression: fc.constantFrom('none' as const, 'zstd' as const),
});
const preallocated: fc.Arbitrary<Omit<ImageSettings, 'format'>> = fc.record({
  clusterSize: fc.constantFrom(...clusterSizes.slice(0, -1)),
  preallocation: fc.constantFrom('metadata' as const, 'falloc' as const, 'full' as const),
  refcountBits: fc.constantFrom(1, 16, 64),
});
const version2: fc.Arbitrary<Omit<ImageSettings, 'format'>> = fc.record({
  clusterSize: fc.constantFrom(...clusterSizes),
  compatVersion: fc.constant(2 as const),
  compression: fc.constantFrom('none' as const, 'zlib' as const),
});

/** Settings of every kind that the writer takes. */
export const settingsArbitrary = fc.oneof(
  { weight: 4, arbitrary: plain },
  { weight: 2, arbitrary: extended },
  { weight: 2, arbitrary: preallocated },
  { weight: 1, arbitrary: version2 },
);

import { endOf, type Extent } from '@hypersdk/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isKept } from '../conformance/check.ts';
import { checksOfBlockSource } from '../conformance/block-source-contract.ts';
import { MemorySource } from '../memory/memory-source.ts';
import { extentsTiling } from './extents.ts';
import { imageSettings } from './image-settings.ts';
import { extentsOf, materialise, sparseDisk } from './sparse-disk.ts';

function expectTiles(extents: readonly Extent[], size: number): void {
  let at = 0;
  for (const extent of extents) {
    expect(extent.offset).toBe(at);
    expect(extent.length).toBeGreaterThan(0);
    at = endOf(extent);
  }
  expect(at).toBe(size);
}

test('extents tile the disk they are made for', () => {
  const cases = fc.integer({ min: 0, max: 100_000 }).chain((size) => fc.tuple(fc.constant(size), extentsTiling(size, { align: 512 })));
  fc.assert(fc.property(cases, ([size, extents]) => expectTiles(extents, size)));
});

test('a sparse disk is the same every time it is made, and zero outside of what was written', () => {
  fc.assert(
    fc.property(sparseDisk({ sizeMax: 128 * 1024, pieceMax: 8192 }), (disk) => {
      const content = materialise(disk);
      expect(content.length).toBe(disk.virtualSize);
      expect(Buffer.compare(content, materialise(disk))).toBe(0);
      expectTiles(extentsOf(disk), disk.virtualSize);
      for (const extent of extentsOf(disk)) {
        const part = materialise(disk, extent);
        expect(Buffer.compare(part, content.subarray(extent.offset, endOf(extent)))).toBe(0);
        if (extent.kind === 'hole') expect(part.every((byte) => byte === 0)).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});

test('a source over a sparse disk keeps every promise of a source', async () => {
  const disks = sparseDisk({ sizeMax: 64 * 1024, pieceMax: 4096 }).filter(({ virtualSize }) => virtualSize >= 2048);
  await fc.assert(
    fc.asyncProperty(disks, async (disk) => {
      const content = materialise(disk);
      const open = async () => new MemorySource(content, { extents: extentsOf(disk) });
      const broken: string[] = [];
      for (const check of checksOfBlockSource({ content, open })) if (!(await isKept(check))) broken.push(check.name);
      expect(broken).toEqual([]);
    }),
    { numRuns: 20 },
  );
});

test('settings name nothing that their format does not have', () => {
  fc.assert(
    fc.property(imageSettings(), ({ format, subformat, clusterSize = 65_536, extendedL2 = false, compatVersion = 3, ...others }) => {
      expect(subformat === undefined || ['vmdk', 'vhd', 'vdi', 'vhdx'].includes(format)).toBe(true);
      expect(['qcow2', 'vhd', 'vhdx'].includes(format) || clusterSize === 65_536).toBe(true);
      expect(format === 'qcow2' || (!extendedL2 && others.refcountBits === undefined)).toBe(true);
      expect(!extendedL2 || clusterSize >= 16_384).toBe(true);
      expect(compatVersion === 3 || (others.compression !== 'zstd' && others.lazyRefcounts !== true)).toBe(true);
    }),
  );
});

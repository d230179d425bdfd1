import { GIB, MIB } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { FIRST_CLUSTER, offsetOfCluster, planGeometry, SECTOR_SIZE } from './geometry.ts';

test.each([34 * MIB, 63 * MIB, 260 * MIB, 261 * MIB, GIB - MIB, 8 * GIB])('a volume of %i bytes has room in its table for every cluster', (size) => {
  const geometry = planGeometry(size);
  const tableEntries = (geometry.sectorsPerFat * SECTOR_SIZE) / 4;
  expect(tableEntries).toBeGreaterThanOrEqual(geometry.clusterCount + FIRST_CLUSTER);
  expect(offsetOfCluster(geometry, FIRST_CLUSTER + geometry.clusterCount)).toBeLessThanOrEqual(size);
  expect(geometry.clustersOffset % 4096).toBe(0);
});

test('a cluster is a sector on small volumes, and 4 KiB above', () => {
  expect([64 * MIB, GIB].map((size) => planGeometry(size).clusterSize)).toEqual([512, 4096]);
});

test.each([0, MIB, 32 * MIB, 9 * GIB])('%i bytes are refused: that would be no FAT32', (size) => {
  expect(() => planGeometry(size)).toThrowError(expect.objectContaining({ code: 'usage/invalid' }));
});

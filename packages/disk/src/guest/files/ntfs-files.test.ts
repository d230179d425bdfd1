import { MIB } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { Fields } from '../fields.ts';
import { listFolder } from './file-tree.ts';
import { openNtfsFiles } from './ntfs-files.ts';
import type { NtfsAttribute, NtfsRecords } from './ntfs-records.ts';

/** It takes a twentieth of this; looking at every piece for every block took twice as long, for each name of a path. */
const CPU_MAX_US = 400_000;

test('a folder of 20,000 pieces that were never stored is listed in little time', () => {
  const root = Buffer.alloc(64);
  root.writeUInt32LE(16, 16);
  root.writeUInt32LE(16, 20);
  const runs = Array.from({ length: 20_000 }, (_, index) => ({ first: undefined, count: index < 19_999 ? 1 : 100_000 }));
  const attributes: readonly NtfsAttribute[] = [
    { type: 0x90, name: '$I30', value: new Fields(root, 'index') },
    { type: 0xa0, name: '$I30', stored: { firstCluster: 0, runs, size: 32 * MIB } },
  ];
  const records: NtfsRecords = {
    geometry: { sectorSize: 512, clusterSize: 512, tableOffset: 0, recordSize: 1024, indexSize: 512 },
    volume: { size: 0, read: () => expect.unreachable() },
    read: () => ({ isFolder: true, isInUse: true, sequence: 1, attributes }),
  };
  const tree = openNtfsFiles(records);
  const began = process.threadCpuUsage();
  expect([...listFolder(tree, tree.root())]).toEqual([]);
  expect(process.threadCpuUsage(began).user).toBeLessThan(CPU_MAX_US);
});

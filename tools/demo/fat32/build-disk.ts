import { MIB } from '@hypersdk/domain';
import { MemorySink } from '@hypersdk/testkit';
import type { TreeFile, TreeFolder } from './file-tree.ts';
import { encodePartitionTable } from './partition-table.ts';
import { writeVolume } from './write-volume.ts';

export const DISK_SIZE = 40 * MIB;
export const PARTITION_OFFSET = MIB;

/** A file whose content comes in pieces; `size` is what the volume is told, where that differs. */
export const buildFile = (name: string, content: Uint8Array, size = content.length): TreeFile => ({
  name,
  size,
  async *content() {
    for (let at = 0; at < content.length; at += 1000) yield content.subarray(at, at + 1000);
  },
});

export const buildFolder = (name: string, files: readonly TreeFile[], folders: readonly TreeFolder[] = []): TreeFolder => ({ name, files, folders });

/** A raw disk with this tree in its only partition. */
export async function buildDisk(root: TreeFolder): Promise<Buffer> {
  const { signal } = new AbortController();
  const sink = new MemorySink(DISK_SIZE, { ordered: true });
  const size = DISK_SIZE - PARTITION_OFFSET;
  await sink.write(0, encodePartitionTable({ firstSector: PARTITION_OFFSET / 512, sectorCount: size / 512, diskSignature: 1 }), { signal });
  await writeVolume(sink, { offset: PARTITION_OFFSET, size, root, label: 'TEST', serial: 1 }, { signal });
  await sink.finish({ signal });
  return Buffer.from(sink.content ?? []);
}

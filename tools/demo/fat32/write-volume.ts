import type { BlockSink, Cancel } from '@hypersdk/ports';
import { BACKUP_BOOT_SECTOR, encodeBootSector, encodeFsInfo, FS_INFO_SECTOR, MEDIA_FIXED, type VolumeName } from './boot-sector.ts';
import { encodeEntries, type DirectoryEntry } from './directory.ts';
import type { TreeFile, TreeFolder } from './file-tree.ts';
import { FAT_COUNT, FAT_ENTRY_SIZE, offsetOfCluster, planGeometry, RESERVED_SECTORS, SECTOR_SIZE, type Geometry } from './geometry.ts';
import { placeTree, type Chain, type PlacedFolder } from './place-tree.ts';

export interface VolumeRequest extends VolumeName {
  /** Where the volume lies on the disk, in bytes. */
  readonly offset: number;
  readonly size: number;
  readonly root: TreeFolder;
}

interface Task extends Cancel {
  readonly sink: Pick<BlockSink, 'write'>;
  readonly volume: VolumeRequest;
  readonly geometry: Geometry;
}

/** Writes a FAT32 volume with these files from its first byte to its last file, once, in order; what is free is never touched. */
export async function writeVolume(sink: Pick<BlockSink, 'write'>, volume: VolumeRequest, o: Cancel): Promise<void> {
  const geometry = planGeometry(volume.size);
  const { root, end } = placeTree(volume.root, geometry);
  const task: Task = { sink, volume, geometry, signal: o.signal };
  await writeReserved(task, end);
  const table = encodeTable(root, geometry);
  for (let copy = 0; copy < FAT_COUNT; copy += 1) await write(task, (RESERVED_SECTORS + copy * geometry.sectorsPerFat) * SECTOR_SIZE, table);
  await writeFolder(task, root, { own: root.chain.first, parent: undefined });
}

const write = ({ sink, volume, signal }: Task, offset: number, bytes: Uint8Array): Promise<void> =>
  sink.write(volume.offset + offset, bytes, { signal });

async function writeReserved(task: Task, end: number): Promise<void> {
  const { volume, geometry } = task;
  const boot = encodeBootSector(geometry, { ...volume, hiddenSectors: volume.offset / SECTOR_SIZE });
  const information = encodeFsInfo({ count: geometry.clusterCount + 2 - end, next: end });
  for (const first of [0, BACKUP_BOOT_SECTOR]) {
    await write(task, first * SECTOR_SIZE, boot);
    await write(task, (first + FS_INFO_SECTOR) * SECTOR_SIZE, information);
  }
}

/** "FAT Data Structure": an entry names the next cluster of its chain; these bits end one. */
const END_OF_CHAIN = 0x0fff_ffff;

function encodeTable(root: PlacedFolder, geometry: Geometry): Buffer {
  const table = Buffer.alloc(geometry.sectorsPerFat * SECTOR_SIZE);
  // The first two entries repeat the medium's kind, and say that the volume was left clean.
  table.writeUInt32LE(0x0fff_ff00 + MEDIA_FIXED, 0);
  table.writeUInt32LE(END_OF_CHAIN, FAT_ENTRY_SIZE);
  for (const { first, count } of chainsOf(root)) {
    for (let at = first; at < first + count; at += 1) table.writeUInt32LE(at === first + count - 1 ? END_OF_CHAIN : at + 1, at * FAT_ENTRY_SIZE);
  }
  return table;
}

function* chainsOf(folder: PlacedFolder): Generator<Chain> {
  yield folder.chain;
  for (const { chain } of folder.files) yield chain;
  for (const inner of folder.folders) yield* chainsOf(inner);
}

interface Clusters {
  readonly own: number;
  /** Undefined for the root. */
  readonly parent: number | undefined;
}

async function writeFolder(task: Task, folder: PlacedFolder, { own, parent }: Clusters): Promise<void> {
  await write(task, offsetOfCluster(task.geometry, own), encodeEntries([...ownEntries(task.volume, { own, parent }), ...entriesOf(folder)]));
  for (const { file, chain } of folder.files) if (file.size > 0) await writeFile(task, file, chain);
  // `..` of a folder in the root says 0, not the root's cluster.
  for (const inner of folder.folders) await writeFolder(task, inner, { own: inner.chain.first, parent: parent === undefined ? 0 : own });
}

const ownEntries = (volume: VolumeRequest, { own, parent }: Clusters): readonly DirectoryEntry[] =>
  parent === undefined
    ? [{ names: { short: volume.label.padEnd(11) }, kind: 'label', firstCluster: 0, size: 0 }]
    : [
        { names: { short: '.'.padEnd(11) }, kind: 'folder', firstCluster: own, size: 0 },
        { names: { short: '..'.padEnd(11) }, kind: 'folder', firstCluster: parent, size: 0 },
      ];

const entriesOf = (folder: PlacedFolder): readonly DirectoryEntry[] => [
  ...folder.files.map(({ file, names, chain }) => ({
    names,
    kind: 'file' as const,
    firstCluster: chain.count === 0 ? 0 : chain.first,
    size: file.size,
  })),
  ...folder.folders.map(({ names, chain }) => ({ names, kind: 'folder' as const, firstCluster: chain.first, size: 0 })),
];

/** A file that grew since its size was taken is cut there, and one that shrank ends in zeros: the volume stays whole. */
async function writeFile(task: Task, file: TreeFile, chain: Chain): Promise<void> {
  const offset = offsetOfCluster(task.geometry, chain.first);
  let done = 0;
  for await (const bytes of file.content()) {
    const piece = bytes.subarray(0, file.size - done);
    await write(task, offset + done, piece);
    done += piece.length;
    if (done === file.size) return;
  }
}

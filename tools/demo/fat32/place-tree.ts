import { HyperError } from '@hypersdk/domain';
import { countEntries, ENTRY_SIZE } from './directory.ts';
import type { TreeFile, TreeFolder } from './file-tree.ts';
import { FIRST_CLUSTER, type Geometry } from './geometry.ts';
import { ShortNames, type EntryNames } from './names.ts';

/** Clusters that follow one another. No file is in pieces: the volume is written once. */
export interface Chain {
  readonly first: number;
  readonly count: number;
}

export interface PlacedFile {
  readonly file: TreeFile;
  readonly names: EntryNames;
  readonly chain: Chain;
}

export interface PlacedFolder {
  readonly names: EntryNames;
  readonly chain: Chain;
  readonly files: readonly PlacedFile[];
  readonly folders: readonly PlacedFolder[];
}

/** "FAT Directory Structure": a folder has at most 65,536 entries, the last of which is left free. */
const ENTRIES_MAX = 65_535;
/** A volume's label, or `.` and `..`. */
const OWN_ENTRIES = 2;

/** Gives every folder and file its clusters, in the order in which they will be written: a folder, its files, then its folders. */
export function placeTree(root: TreeFolder, geometry: Geometry): { readonly root: PlacedFolder; readonly end: number } {
  let next = FIRST_CLUSTER;
  const take = (size: number): Chain => {
    const chain = { first: next, count: Math.ceil(size / geometry.clusterSize) };
    next += chain.count;
    return chain;
  };
  const place = (folder: TreeFolder, names: EntryNames): PlacedFolder => {
    const short = new ShortNames();
    const fileNames = folder.files.map((file) => short.take(file.name));
    const folderNames = folder.folders.map((inner) => short.take(inner.name));
    const chain = take(ENTRY_SIZE * countAll([...fileNames, ...folderNames], folder.name));
    return {
      names,
      chain,
      files: folder.files.map((file, at) => ({ file, names: nameAt(fileNames, at), chain: take(file.size) })),
      folders: folder.folders.map((inner, at) => place(inner, nameAt(folderNames, at))),
    };
  };
  const placed = place(root, { short: '' });
  if (next - FIRST_CLUSTER > geometry.clusterCount) throw new HyperError('usage/invalid', 'The files are more than the volume holds.');
  return { root: placed, end: next };
}

function countAll(names: readonly EntryNames[], folder: string): number {
  const count = names.reduce((sum, one) => sum + countEntries(one), OWN_ENTRIES);
  if (count > ENTRIES_MAX) throw new HyperError('usage/invalid', `The folder ${folder} has more entries than FAT allows.`);
  return count;
}

function nameAt(names: readonly EntryNames[], at: number): EntryNames {
  const name = names[at];
  if (name === undefined) throw new HyperError('internal/unexpected', 'An entry was given no name.');
  return name;
}

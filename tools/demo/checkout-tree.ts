import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import type { TreeFile, TreeFolder } from './fat32/file-tree.ts';
import { isStorable } from './fat32/names.ts';

/** What the sample's disk holds. */
export interface SampleContent {
  readonly root: TreeFolder;
  readonly fileCount: number;
  readonly size: number;
}

/** Read and handed on in pieces of this size. */
const PIECE_SIZE = MIB;
/** Deeper than any folder of a checkout; a mount that contains itself ends here. */
const DEPTH_MAX = 32;
/** Room that a file takes beyond its bytes: the rest of its last cluster and its entries. */
const OVERHEAD = 8192;

/**
 * Real files that every checkout has: its sources and documents, the Node that runs it, and the packages that it uses.
 * In the order of their names, so that the same checkout gives the same disk; what no longer fits into `size` is left out.
 */
export async function readCheckoutTree(checkout: string, size: number): Promise<SampleContent> {
  const room = new Room(size);
  const sources = await readFolder(checkout, { name: 'hypersdk', room, depth: 0 });
  const node = await toTreeFile(process.execPath, room);
  const packages = await readFolder(join(checkout, 'node_modules'), { name: 'packages', room, depth: 0 });
  const bin: TreeFolder = { name: 'bin', files: node ? [node] : [], folders: [] };
  return { root: { name: '', files: [], folders: [sources, bin, packages] }, fileCount: room.fileCount, size: room.taken };
}

class Room {
  taken = 0;
  fileCount = 0;
  readonly #size: number;
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Whether there is room for the file; then it is taken. */
  take(size: number): boolean {
    if (this.#used + size + OVERHEAD > this.#size) return false;
    this.#used += size + OVERHEAD;
    this.taken += size;
    this.fileCount += 1;
    return true;
  }
}

interface Visit {
  readonly name: string;
  readonly room: Room;
  readonly depth: number;
}

async function readFolder(path: string, { name, room, depth }: Visit): Promise<TreeFolder> {
  const entries = (await readdir(path, { withFileTypes: true })).filter((entry) => belongs(entry.name)).toSorted(byName);
  const files: TreeFile[] = [];
  for (const entry of withoutDoubles(entries.filter((one) => one.isFile()))) {
    const file = await toTreeFile(join(path, entry.name), room);
    if (file) files.push(file);
  }
  const folders: TreeFolder[] = [];
  for (const entry of depth < DEPTH_MAX ? withoutDoubles(entries.filter((one) => one.isDirectory())) : []) {
    folders.push(await readFolder(join(path, entry.name), { name: entry.name, room, depth: depth + 1 }));
  }
  return { name, files, folders };
}

async function toTreeFile(path: string, room: Room): Promise<TreeFile | undefined> {
  // A file that has just gone, such as an editor's, is no part of the checkout.
  const about = await stat(path).catch(() => undefined);
  if (!about?.isFile() || !room.take(about.size)) return undefined;
  return { name: basename(path), size: about.size, content: () => readPieces(path, about.size) };
}

/** One piece after another in the same memory: who takes a piece is done with it before the next. */
async function* readPieces(path: string, size: number): AsyncGenerator<Uint8Array> {
  const piece = Buffer.allocUnsafe(Math.min(PIECE_SIZE, size));
  await using file = await open(path, 'r');
  for (;;) {
    const { bytesRead } = await file.read(piece);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
  }
}

interface Named {
  readonly name: string;
}

/** Hidden folders are caches and histories; packages come once, from the top; links do not exist on FAT. */
const belongs = (name: string): boolean => !name.startsWith('.') && name !== 'node_modules' && name !== 'coverage' && isStorable(name);

const byName = (a: Named, b: Named): number => (a.name < b.name ? -1 : 1);

/** FAT knows no difference between upper and lower case: of such names the first is taken. */
function withoutDoubles<T extends Named>(entries: readonly T[]): readonly T[] {
  const seen = new Set<string>();
  return entries.filter(({ name }) => {
    const folded = name.toUpperCase();
    if (seen.has(folded)) return false;
    seen.add(folded);
    return true;
  });
}

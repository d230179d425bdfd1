import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';

export interface FileNode {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** A link's content is its target. */
  readonly content: Span;
}

export interface FolderEntry {
  readonly name: string;
  open(): FileNode;
}

/** The files of a volume, read where they lie. Everything throws what `damaged` makes when a structure cannot be. */
export interface FileTree {
  readonly ignoresCase: boolean;
  root(): FileNode;
  entries(folder: FileNode): Iterable<FolderEntry>;
}

/** As Linux resolves paths (path_resolution(7) allows 40); nothing that is looked for needs more than three. */
const LINKS_MAX = 8;
/** PATH_MAX of Linux. */
const LINK_SIZE_MAX = 4096;
const NAMES_MAX = 64;
/** \Windows\System32 holds 5,000 names twice; a folder with more than this is a circle or not worth the time. */
const ENTRIES_MAX = 50_000;

/** The node at an absolute path, links followed inside the volume. Undefined when there is none. */
export function openPath(tree: FileTree, path: string): FileNode | undefined {
  let links = 0;
  let names = namesOf(path);
  let trail: FileNode[] = [tree.root()];
  while (names.length > 0) {
    const [name = '', ...rest] = names;
    names = rest;
    if (name === '..') {
      trail = trail.slice(0, Math.max(1, trail.length - 1));
      continue;
    }
    const folder = trail.at(-1);
    const node = folder?.kind === 'folder' ? findEntry(tree, folder, name)?.open() : undefined;
    if (!node) return undefined;
    if (node.kind !== 'link') {
      trail.push(node);
      continue;
    }
    links += 1;
    if (links > LINKS_MAX) throw damaged(`the links on the way to ${path} go in circles`);
    const target = readWhole(node.content, LINK_SIZE_MAX, 'target of a link').toString('utf8');
    if (target.startsWith('/')) trail = trail.slice(0, 1);
    names = [...namesOf(target), ...rest];
    if (names.length > NAMES_MAX) throw damaged(`the links on the way to ${path} grow without end`);
  }
  return trail.at(-1);
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

function findEntry(tree: FileTree, folder: FileNode, name: string): FolderEntry | undefined {
  const fold = (text: string): string => (tree.ignoresCase ? text.toLowerCase() : text);
  const wanted = fold(name);
  for (const entry of listFolder(tree, folder)) if (fold(entry.name) === wanted) return entry;
  return undefined;
}

/** The entries of a folder but itself and the one above it. */
export function* listFolder(tree: FileTree, folder: FileNode): Generator<FolderEntry> {
  let count = 0;
  for (const entry of tree.entries(folder)) {
    count += 1;
    if (count > ENTRIES_MAX) throw damaged('a folder has more entries than are looked through');
    if (entry.name !== '.' && entry.name !== '..') yield entry;
  }
}

/** 50,000 names of 255 letters, and their index. A folder of holes would else be read to the end of all numbers. */
const FOLDER_SIZE_MAX = 32 * 1024 * 1024;

/** The blocks of a folder, one after another. */
export function* blocksOf(content: Span, length: number, what: string): Generator<Fields> {
  if (content.size > FOLDER_SIZE_MAX) throw damaged(`the ${what} is said to have ${content.size} bytes`);
  for (let offset = 0; offset + length <= content.size; offset += length) yield content.read({ offset, length }, what);
}

/** A whole small file. One that is larger is a damaged structure: nothing that is looked for grows so. */
export function readWhole(content: Span, sizeMax: number, what: string): Buffer {
  if (content.size > sizeMax) throw damaged(`the ${what} is said to have ${content.size} bytes`);
  return content.read({ offset: 0, length: content.size }, what).bytes;
}

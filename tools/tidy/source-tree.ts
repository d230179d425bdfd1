import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseModule, type ParsedModule } from './parse-module.ts';

/** A repository as tidy sees it: every text file, every module parsed once. */
export interface SourceTree {
  readonly root: string;
  /** All files from the root, with slashes, sorted. */
  readonly files: readonly string[];
  readonly modules: ReadonlyMap<string, ParsedModule>;
  text(file: string): string;
}

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.cache', '.state', 'coverage']);
const PLANTED = /(?:^|\/)fixtures\/violations(?:\/|$)/;
const MODULE = /\.(?:ts|mts|mjs|js)$/;
/** Far above any real depth; a link that turns back on itself ends here. */
const DEPTH_MAX = 20;

export function readSourceTree(root: string): SourceTree {
  const files = [...walk(root, '', 0)].sort();
  const texts = new Map<string, string>();
  const text = (file: string): string => {
    const known = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
    texts.set(file, known);
    return known;
  };
  const modules = new Map(files.filter((file) => MODULE.test(file)).map((file) => [file, parseModule(file, text(file))]));
  return { root, files, modules, text };
}

function* walk(root: string, folder: string, depth: number): Generator<string> {
  if (depth > DEPTH_MAX) throw new Error(`${folder} lies deeper than ${DEPTH_MAX} folders.`);
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (SKIPPED_FOLDERS.has(entry.name) || PLANTED.test(path)) continue;
    if (entry.isDirectory()) yield* walk(root, path, depth + 1);
    else if (entry.isFile()) yield path;
  }
}

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import { removeFile } from '../file/remove-file.ts';
import type { TargetFile } from '../file/target-file.ts';
import { existingVolumes } from '../file/volume-names.ts';
import { LeafList, leafListPath } from './leaf-list.ts';
import { giveName, syncFile, syncFolder, type PublishOptions } from './publish.ts';

/** The names that the files of an image are to have, beside it and itself. */
export const setPaths = (path: string, names: readonly string[]): readonly string[] => [...names.map((name) => join(dirname(path), name)), path];

interface SetOptions extends PublishOptions {
  /** Whether everything is on the medium before the name that counts is given. */
  readonly isDurable: boolean;
  readonly onSyncFailure?: () => void;
}

/**
 * Gives the files of an image their names, the image's own last: until it has that, the others are nothing. Where it replaces another image, that one
 * loses its name first, so that no name ever stands for files of both. When a file cannot get its name, those before it give theirs back.
 */
export function publishSet(files: TargetFile['files'], paths: readonly string[], o: SetOptions): void {
  const path = paths.at(-1) ?? '';
  if (o.isDurable) for (const file of files) syncFile(file, o);
  if (o.overwrite && files.length > 1) {
    removeFile(path);
    if (o.isDurable) syncFolder(path);
  }
  const named: { readonly from: string; readonly to: string }[] = [];
  try {
    for (const [index, { path: from }] of files.entries()) {
      const to = paths[index] ?? '';
      // The others' names are on the medium before the one that counts.
      if (to === path && o.isDurable) syncFolder(path);
      giveName(from, to, o);
      named.push({ from, to });
    }
  } catch (error) {
    for (const { from, to } of named) giveName(to, from, { overwrite: true });
    throw error;
  }
  if (o.isDurable) syncFolder(path);
}

/** Fails with `target/exists` when a file of the image would find its name taken. */
export function requireFreeNames(paths: readonly string[]): void {
  const taken = paths.find((path) => existsSync(path));
  if (taken !== undefined) throw new HyperError('target/exists', `${taken} exists already.`, { detail: { path: taken } });
}

/**
 * Removes an older image of several files that is to be replaced, as far as its leaf list or its names tell them: its own name first and the list last,
 * so that a run which dies in between finds the rest again.
 */
export function retireSet(path: string): void {
  const parts = LeafList.headerOf(path)?.parts ?? [];
  const listed = parts.filter(({ file }) => basename(file) === file).map(({ file }) => join(dirname(path), file));
  const files = new Set([...listed, ...existingVolumes(path)]);
  if (files.size === 0) return;
  removeFile(path);
  syncFolder(path);
  for (const file of files) removeFile(file);
  syncFolder(path);
  removeFile(leafListPath(path));
}

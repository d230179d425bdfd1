import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cancel } from '@hypersdk/ports';
import { roleOf } from './file-role.ts';
import type { Folder } from './folder.ts';
import { quote, type Report } from './report.ts';
import { unreadable } from './unreadable.ts';

/** The names in one folder that matter; `place` is the folder's own, empty for the root. */
export interface SurveyedFolder {
  readonly place: string;
  readonly images: readonly string[];
  readonly descriptors: readonly string[];
}

/** Names kept in memory at once. A folder with more is listed up to here, and said to be. */
const NAMES_MAX = 100_000;
const DEPTH_MAX = 32;

/** Reads names only: every folder once, in order of name, symbolic links not followed. */
export async function surveyFolder(
  folder: Folder,
  o: Cancel & { readonly recursive: boolean; readonly report: Report },
): Promise<readonly SurveyedFolder[]> {
  const surveyed: SurveyedFolder[] = [];
  const waiting = [{ place: '', depth: 0 }];
  let names = 0;
  for (let next = waiting.pop(); next && names < NAMES_MAX; next = waiting.pop()) {
    const { place, depth } = next;
    const found = await readNames(folder, place, { ...o, limit: NAMES_MAX - names });
    names += found.seen;
    surveyed.push({ place, images: found.images.toSorted(), descriptors: found.descriptors.toSorted() });
    if (o.recursive && depth < DEPTH_MAX)
      waiting.push(
        ...found.folders
          .toSorted()
          .toReversed()
          .map((name) => ({ place: placeIn(place, name), depth: depth + 1 })),
      );
    if (o.recursive && depth === DEPTH_MAX && found.folders.length > 0)
      o.report(`${quote(place)} has folders deeper than ${DEPTH_MAX}, which are left out.`);
  }
  if (names >= NAMES_MAX) o.report(`There are more than ${NAMES_MAX} files; the rest is left out.`);
  return surveyed;
}

interface FoundNames {
  readonly images: string[];
  readonly descriptors: string[];
  readonly folders: string[];
  readonly seen: number;
}

async function readNames(folder: Folder, place: string, o: Cancel & { readonly limit: number; readonly report: Report }): Promise<FoundNames> {
  const [images, descriptors, folders]: [string[], string[], string[]] = [[], [], []];
  let seen = 0;
  try {
    for await (const entry of await opendir(join(folder.root, place))) {
      o.signal.throwIfAborted();
      seen += 1;
      const role = roleOf(entry.name);
      // Node reads a name that is not UTF-8 with replacement characters, and then finds no file of that name.
      if (entry.name.includes('\uFFFD')) o.report(`${quote(placeIn(place, entry.name))} is not written in UTF-8 and cannot be opened.`);
      else if (entry.isSymbolicLink() && role !== 'other')
        o.report(`${quote(placeIn(place, entry.name))} is a symbolic link, which is not followed.`);
      else if (entry.isDirectory() && !entry.name.startsWith('.')) folders.push(entry.name);
      else if (entry.isFile() && role === 'image') images.push(entry.name);
      else if (entry.isFile() && role === 'descriptor') descriptors.push(entry.name);
      if (seen >= o.limit) break;
    }
  } catch (cause) {
    o.signal.throwIfAborted();
    // A folder that is not for us, or went away while it was read, does not keep the others from being listed.
    if (place === '') throw unreadable(folder.root, cause);
    o.report(`The folder ${quote(place)} cannot be read.`);
  }
  return { images, descriptors, folders, seen };
}

export const placeIn = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

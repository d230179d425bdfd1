import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { manifestName } from '../export/export-files.ts';
import { retiredName } from './read-links.ts';

const DIGITS = 4;

/**
 * The folder for the next link: the name itself while no export lies there, then the name with the number after the last. A folder whose export was begun and
 * not finished comes next by itself, so that its own next run goes on in it.
 */
export async function nextLinkName(target: StorageTarget, stem: string, o: Cancel): Promise<string> {
  let last = -1;
  for await (const { name } of target.list(stem, o)) {
    const [folder = ''] = name.split('/');
    if (name === manifestName(folder) || name === retiredName(folder)) last = Math.max(last, numberOf(folder, stem));
  }
  return last < 0 ? stem : `${stem}.${String(last + 1).padStart(DIGITS, '0')}`;
}

/** 0 for the name itself, -1 for one that only begins like it. */
function numberOf(folder: string, stem: string): number {
  if (folder === stem) return 0;
  const number = /^\.(\d{4,9})$/.exec(folder.slice(stem.length))?.[1];
  return number === undefined ? -1 : Number(number);
}

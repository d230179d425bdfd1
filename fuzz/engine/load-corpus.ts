import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { decodeSample, type Sample } from './sample.ts';

export const corpusFolder = (name: string): URL => new URL(`../corpus/${name}/`, import.meta.url);

/** What was kept of a reader's earlier runs: samples of other programs, and those that reached something that no other did. */
export function loadCorpus(name: string): readonly Sample[] {
  const folder = corpusFolder(name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .map((file) => decodeSample(readFileSync(new URL(file, folder))));
}

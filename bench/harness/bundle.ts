import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { layOut } from '../../tools/release/lay-out.ts';
import { bundle } from '../../tools/release/bundle.ts';
import { root } from '../../tools/release/programs.ts';

/** Programs to measure. */
const ENTRIES = {
  convert: 'bench/programs/convert.ts',
  digest: 'bench/programs/digest.ts',
  floor: 'bench/programs/floor.ts',
  'hash-file': 'bench/programs/hash-file.ts',
} as const;

/** Below node_modules, where the one native package is found. */
export const programsFolder = join(root, 'node_modules/.cache/hypersdk-bench');

/** The program itself, as it is installed. */
export const installedProgram = join(programsFolder, 'installed/lib/hypersdk/bin/hyperexport.mjs');

/** Bundles the programs as a release is: from source, each thread would spend more on removing types than many a copy takes. */
export async function bundlePrograms(): Promise<void> {
  rmSync(programsFolder, { recursive: true, force: true });
  mkdirSync(programsFolder, { recursive: true });
  await bundle(Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, join(root, path)])), programsFolder);
  await layOut(join(programsFolder, 'installed'), { node: process.execPath });
}

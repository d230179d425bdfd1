import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A thread is started by the name of its source file. */
const THREAD_ENTRY = /new URL\((["'`])\.\/([a-z-]+)\.ts\1, import\.meta\.url\)/g;

/** Programs to measure, and the threads they start. */
const ENTRIES = {
  convert: 'bench/programs/convert.ts',
  digest: 'bench/programs/digest.ts',
  'hash-file': 'bench/programs/hash-file.ts',
  coordinator: 'packages/disk/src/copy/coordinator.ts',
  'mover-thread': 'packages/disk/src/copy/mover-thread.ts',
} as const;

/** Below node_modules, where the one native package is found. */
export const programsFolder = join(ROOT, 'node_modules/.cache/hypersdk-bench');

/** Bundles the programs, as a release would: from source, each thread would spend more on removing types than many a copy takes. */
export async function bundlePrograms(): Promise<void> {
  rmSync(programsFolder, { recursive: true, force: true });
  mkdirSync(programsFolder, { recursive: true });
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, join(ROOT, path)])),
    platform: 'node',
    external: ['koffi'],
    plugins: [{ name: 'thread-entries', renderChunk: (code) => code.replaceAll(THREAD_ENTRY, "new URL('./$2.mjs', import.meta.url)") }],
  });
  await bundle.write({ dir: programsFolder, format: 'esm', minify: true, entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' });
  await bundle.close();
}

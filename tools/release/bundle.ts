import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';

/** How a module names the source of a thread that it starts. */
const THREAD_SOURCE = /new URL\((["'`])(\.\/[a-z-]+)\.ts\1, import\.meta\.url\)/g;

/** Native code cannot be bundled: whoever lays out a bundle puts these packages where it finds them. */
export const nativePackages = ['koffi'] as const;

/** What users run has no use for React's half for developers, which keeps measurements of every draw. */
const DEFINED = { 'process.env.NODE_ENV': '"production"' };
/** A debugger that Ink would look for, and that is not installed. */
const ABSENT = ['react-devtools-core'];

/**
 * Bundles programs from source, as they are shipped: one file for each entry and each thread that they start, and chunks that they share. What a program
 * imports lazily stays in a chunk of its own. Answers the folders of the packages whose code went in.
 */
export async function bundle(entries: Readonly<Record<string, string>>, folder: string): Promise<ReadonlySet<string>> {
  const build = await rolldown({
    input: { ...entries },
    platform: 'node',
    external: [...nativePackages, ...ABSENT],
    plugins: [threadEntries],
    transform: { define: DEFINED },
  });
  try {
    const { output } = await build.write({
      dir: folder,
      format: 'esm',
      minify: true,
      entryFileNames: '[name].mjs',
      chunkFileNames: '[name]-[hash].mjs',
    });
    return new Set(output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds.flatMap(packageFolder) : [])));
  } finally {
    await build.close();
  }
}

/** The source of a thread becomes an entry too, and whoever starts it names the bundled file. */
const threadEntries: Plugin = {
  name: 'thread-entries',
  transform(code, id) {
    const sources = Array.from(code.matchAll(THREAD_SOURCE), (match) => match[2] ?? '');
    if (sources.length === 0) return undefined;
    for (const source of sources) this.emitFile({ type: 'chunk', id: `${resolve(dirname(id), source)}.ts`, fileName: `${basename(source)}.mjs` });
    return code.replaceAll(THREAD_SOURCE, (_, quote: string, source: string) => `new URL(${quote}${source}.mjs${quote}, import.meta.url)`);
  },
};

/** The folder of the installed package that a module belongs to; none for our own. */
function packageFolder(moduleId: string): readonly string[] {
  const match = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(moduleId);
  return match?.[1] === undefined ? [] : [match[1]];
}

/** The folder of a package as code in `from` finds it. */
export function findPackage(name: string, from: string): string {
  const folders = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  const folder = folders.map((candidate) => join(candidate, name)).find((candidate) => existsSync(join(candidate, 'package.json')));
  if (folder === undefined) throw new Error(`The package ${name} is not installed.`);
  return folder;
}

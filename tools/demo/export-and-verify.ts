import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorTable, type ExportManifest } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { parseExportManifest } from '@hypersdk/usecases';
import { MANIFEST_FILE } from '../../apps/hyperexport/src/manifest-file.ts';
import { runHyperexport } from './run-hyperexport.ts';
import { SAMPLE_NAME, type Sample } from './sample-vm.ts';
import { bold, commandLine, heading, shownPath, write } from './screen.ts';

export const exportsIn = (folder: string): string => join(folder, 'exports');
export const exportIn = (folder: string): string => join(exportsIn(folder), SAMPLE_NAME);

/** The export's own record of itself; undefined while there is no complete export. */
export async function readManifest(folder: string): Promise<ExportManifest | undefined> {
  const path = join(exportIn(folder), MANIFEST_FILE);
  return (await stat(path).catch(() => undefined)) ? parseExportManifest(await readFile(path)) : undefined;
}

interface ExportTask extends Cancel {
  readonly sample: Sample;
  /** It was made just now. */
  readonly isNew: boolean;
}

/** The product does the work and speaks for itself; answers its exit code. */
export async function exportAndVerify(folder: string, { sample, isNew, signal }: ExportTask): Promise<number> {
  const exportArgs = ['export', sample.folder, SAMPLE_NAME, '--to', exportsIn(folder), '--format', 'qcow2', '--compression', 'zstd'];
  const manifest = await readManifest(folder);
  heading('2', 'Export it to qcow2, with proof');
  if (manifest && !isNew) {
    write(`   Done before, ${manifest.finishedAt.slice(0, 16).replace('T', ' ')} UTC\n   ${shownPath(exportIn(folder))}\n`);
  } else {
    await mkdir(exportsIn(folder), { recursive: true });
    // An export that is older than its sample shows another disk.
    const code = await show([...exportArgs, ...(manifest ? ['--overwrite'] : [])], { signal });
    if (code !== 0) return tellEnd(code);
  }

  heading('3', 'Verify that what lies there is what was read');
  const code = await show(['verify', exportIn(folder)], { signal });
  if (code === errorTable['verify/mismatch'].exit) write(`\nTo make it anew: ${commandLine([...exportArgs, '--overwrite'])}\n`);
  return tellEnd(code);
}

async function show(args: readonly string[], o: Cancel): Promise<number> {
  o.signal.throwIfAborted();
  write(`${bold(`$ ${commandLine(args)}`)}\n`);
  return runHyperexport(args);
}

function tellEnd(code: number): number {
  if (code === errorTable['transfer/cancelled'].exit) write('Stopped. npm start goes on from here.\n');
  return code;
}

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether any of the programs is absent, for `describe.skipIf(missing('qemu-img'))`. A skipped test is counted as skipped.
 * Programs named in HYPERSDK_REQUIRED_PEERS (separated by spaces) were installed by whoever runs the tests: their absence is an error, not a skip.
 */
export function missing(...programs: readonly string[]): boolean {
  const absent = programs.filter((program) => !isOnPath(program));
  const required = (process.env['HYPERSDK_REQUIRED_PEERS'] ?? '').split(' ');
  const broken = absent.filter((program) => required.includes(program));
  if (broken.length > 0) throw new Error(`These programs should be installed but are not on PATH: ${broken.join(', ')}.`);
  return absent.length > 0;
}

function isOnPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

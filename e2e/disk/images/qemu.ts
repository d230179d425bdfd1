import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { ImageFormat } from '@hypersdk/domain';

const execute = promisify(execFile);

/** What QEMU calls a format: VHD has the name of the program that it came from. */
export const qemuName = (format: ImageFormat): string => (format === 'vhd' ? 'vpc' : format);

/** Runs qemu-img and answers what it printed. A failure carries the command and its words. */
export const qemuImg = (...args: readonly string[]): Promise<string> => run('qemu-img', args);

/** As `qemuImg`, with names that count from `folder`: QEMU looks for a data file where it was started. */
export const qemuImgIn = (folder: string, ...args: readonly string[]): Promise<string> => run('qemu-img', args, folder);

/** Runs qemu-io commands on an image, one after the other, without waiting for the medium. It exits 0 whatever a command met, so its words are looked at as well. */
export async function qemuIo(path: string, format: string, commands: readonly string[]): Promise<string> {
  const printed = await run('qemu-io', ['-t', 'unsafe', '-f', format, ...commands.flatMap((command) => ['-c', command]), path], dirname(path));
  if (/fail|error|invalid|not aligned/i.test(printed)) throw new Error(`qemu-io ${commands.join('; ')}: ${printed}`);
  return printed;
}

async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  try {
    return (await execute(program, args, { encoding: 'utf8', ...(cwd === undefined ? {} : { cwd }) })).stdout;
  } catch (cause) {
    const said = cause instanceof Error && 'stdout' in cause && 'stderr' in cause ? `${String(cause.stdout)}${String(cause.stderr)}` : String(cause);
    throw new Error(`${program} ${args.join(' ')}: ${said}`, { cause });
  }
}

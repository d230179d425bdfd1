import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { nativeCodecs } from '../../packages/disk/src/native/load.ts';

/** What a ratio depends on, one fact a line. */
export function describeMachine(folder: string): readonly string[] {
  const [cpu] = cpus();
  return [
    `${cpus().length} × ${cpu?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, ${firstLine('stat', ['-f', '-c', '%T', folder])}`,
    `Node ${process.version}, codecs ${nativeCodecs().name}`,
    `${firstLine('qemu-img', ['--version'])}; nbdcopy ${firstLine('nbdcopy', ['--version'])}; ${firstLine('openssl', ['version'])}; ${firstLine('cp', ['--version'])}`,
  ];
}

/** The commit measured, marked when files differ from it. */
export function describeCommit(): string {
  const commit = firstLine('git', ['rev-parse', '--short', 'HEAD']);
  return firstLine('git', ['status', '--porcelain', '--', 'packages', 'bench/programs']) === '' ? commit : `${commit} with changes`;
}

function firstLine(program: string, args: readonly string[]): string {
  try {
    return (
      execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        .split('\n')[0]
        ?.trim() ?? ''
    );
  } catch {
    return `${program} is not here`;
  }
}

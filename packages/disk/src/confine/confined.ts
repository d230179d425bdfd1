// Entry of a program that gives up what it may do and then becomes another one: confined.ts RULES PROGRAM ARGUMENT…
import { openSharedLibrary, loadKoffi } from '../native/shared-library.ts';
import { denyNetwork } from './deny-network.ts';
import { restrictFiles } from './landlock.ts';
import type { ConfinementRules } from './rules.ts';

/** As shells tell that a program could not be started. */
const CANNOT_RUN = 126;
const STANDARD_STREAMS = [0, 1, 2] as const;
const F_SETFD = 2;

function become([rules = '', program = '', ...args]: readonly string[]): void {
  const koffi = loadKoffi();
  const libc = koffi && openSharedLibrary(koffi, ['libc.so.6']);
  if (!koffi || !libc) throw new Error('System calls cannot be made from here.');
  denyNetwork(koffi, libc);
  if (restrictFiles(libc, JSON.parse(rules) as ConfinementRules) === 0) throw new Error('This kernel has no Landlock.');
  const execve: (path: string, args: readonly (string | undefined)[], environment: readonly (string | undefined)[]) => number = libc.func(
    'int execve(const char *path, const char **args, const char **environment)',
  );
  const fcntl: (fd: number, command: number, flags: number) => number = libc.func('int fcntl(int fd, int command, int64_t flags)');
  // Node has them closed for whatever it becomes.
  for (const fd of STANDARD_STREAMS) fcntl(fd, F_SETFD, 0);
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);
  execve(program, [program, ...args, undefined], [...environment, undefined]);
  throw new Error(`${program} cannot be run.`);
}

try {
  become(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = CANNOT_RUN;
}

// What a whole process cost: wall time, CPU of it and of all it waited for, and the largest memory of any of them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';

export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
}

export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

// posix_spawn(3) and wait4(2): Node's own child processes have no resource usage, and forking a large process takes milliseconds.
const libc = koffi.load('libc.so.6');
const spawn: (
  pid: Int32Array,
  path: string,
  actions: Uint8Array,
  attributes: null,
  argv: readonly (string | null)[],
  env: readonly (string | null)[],
) => number = libc.func('int posix_spawnp(void *pid, const char *path, void *actions, void *attributes, const char **argv, const char **env)');
const initActions: (actions: Uint8Array) => number = libc.func('int posix_spawn_file_actions_init(void *actions)');
const addOpen: (actions: Uint8Array, fd: number, path: string, flags: number, mode: number) => number = libc.func(
  'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned int mode)',
);
const destroyActions: (actions: Uint8Array) => number = libc.func('int posix_spawn_file_actions_destroy(void *actions)');
const wait4: (pid: number, status: Int32Array, options: number, usage: BigInt64Array) => number = libc.func(
  'int wait4(int pid, void *status, int options, void *usage)',
);

/** posix_spawn_file_actions_t is 80 bytes in glibc. */
const ACTIONS_SIZE = 256;
/** struct rusage is 18 longs: user seconds and microseconds, system seconds and microseconds, then the rest. */
const USAGE_LONGS = 18;
const WRITE_CREATE_TRUNCATE = 0o1 + 0o100 + 0o1000;

/**
 * Runs a command to its end and answers its cost; a command that fails is an error with what it printed.
 * Memory is what GNU time sees: the usage that wait4 gives for a direct child starts at the size of this process, not at zero.
 */
export function measure(command: Command): Cost {
  const folder = mkdtempSync(join(tmpdir(), 'hypersdk-bench-'));
  const [output, memory] = [join(folder, 'output'), join(folder, 'memory')];
  try {
    const { status, ...cost } = spawnAndWait(['time', '-q', '-f', '%M', '-o', memory, '--', ...command.argv], {
      output,
      env: { ...process.env, ...command.env },
    });
    if (status !== 0) throw new Error(`${command.argv.join(' ')} ended with ${status}: ${readFileSync(output, 'utf8')}`);
    return { ...cost, rssBytes: Number(readFileSync(memory, 'utf8')) * 1024 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Outcome {
  readonly status: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

function spawnAndWait(argv: readonly string[], { output, env }: { readonly output: string; readonly env: NodeJS.ProcessEnv }): Outcome {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value ?? ''}`);
  const actions = new Uint8Array(ACTIONS_SIZE);
  initActions(actions);
  for (const fd of [1, 2]) addOpen(actions, fd, output, WRITE_CREATE_TRUNCATE, 0o600);
  const pid = new Int32Array(1);
  const status = new Int32Array(1);
  const usage = new BigInt64Array(USAGE_LONGS);
  try {
    const began = performance.now();
    const failure = spawn(pid, argv[0] ?? '', actions, null, [...argv, null], [...variables, null]);
    if (failure !== 0) throw new Error(`${argv[0]} does not start (error ${failure}); it is in the Debian package of its name.`);
    if (wait4(pid[0] ?? 0, status, 0, usage) < 0) throw new Error(`${argv[0]} was lost.`);
    return { status: status[0] ?? -1, wallMs: performance.now() - began, cpuMs: toMs(usage, 0) + toMs(usage, 2) };
  } finally {
    destroyActions(actions);
  }
}

/** struct timeval at a place in the usage. */
const toMs = (usage: BigInt64Array, at: number): number => Number(usage[at]) * 1000 + Number(usage[at + 1]) / 1000;

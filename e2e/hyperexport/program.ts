import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const LAUNCHER = fileURLToPath(new URL('../../apps/hyperexport/bin/hyperexport.mjs', import.meta.url));

/** Compiled code is shared with all other runs of whoever runs the tests: it changes nothing but the time to start. */
export const CACHE = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  /** Folder of keys and history: never the one of whoever runs the tests. */
  readonly state: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The Node that runs the launcher. */
  readonly node?: string;
}

/** Runs hyperexport as it is typed, to its end. */
export async function run(args: readonly string[], o: Surroundings): Promise<Ended> {
  return start(args, o).ended;
}

export interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<Ended>;
  /** Resolves once standard error has said this; rejects when the program ends without. */
  says(pattern: RegExp): Promise<void>;
}

export function start(args: readonly string[], o: Surroundings): Started {
  const child = spawn(o.node ?? process.execPath, [LAUNCHER, ...args], {
    cwd: o.cwd,
    env: { PATH: process.env['PATH'], HOME: o.state, XDG_CACHE_HOME: CACHE, HYPERSDK_STATE: o.state, LANG: 'C.UTF-8', ...o.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(([stdout, stderr]) => ({
    code: child.exitCode,
    stdout,
    stderr,
  }));
  let said = '';
  const listeners = new Set<() => void>();
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    said += more;
    for (const listener of listeners) listener();
  });
  const says = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => void (pattern.test(said) && resolve());
      listeners.add(look);
      look();
      child.once('close', () => reject(new Error(`It ended without saying ${String(pattern)}:\n${said}`)));
    });
  return { child, ended, says };
}

/** What `--json` printed: the whole of standard output is one document, or this throws. */
export const documentOf = (ended: Ended): unknown => JSON.parse(ended.stdout);

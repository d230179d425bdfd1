import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cancel } from '@hypersdk/ports';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeLimitMs: number;
}

export interface ProgramEnd {
  /** Absent: it was ended by a signal, or never began. */
  readonly code?: number;
  readonly isLate: boolean;
  /** The last that it said on its standard error. */
  readonly complaint: string;
}

const COMPLAINT_MAX = 2000;
/** More lines than a conversion ever has; what comes after them is not listened to. */
const LINES_MAX = 10_000;
/** Of a line without an end only its last part is kept, which then makes no sense to anybody. */
const LINE_LENGTH_MAX = 64 * 1024;

/** Runs a program to its end or the end of its time. When this settles, nothing of its process group runs. */
export async function runProgram(program: Program, o: Cancel & { readonly onLine?: (line: string) => void }): Promise<ProgramEnd> {
  o.signal.throwIfAborted();
  const { command, args, env, cwd } = program;
  const child = spawn(command, [...args], { env: { ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-COMPLAINT_MAX)));
  child.on('error', (error) => (complaint += error.message));
  const takeLines = splitLines(o.onLine ?? (() => undefined));
  child.stdout.setEncoding('utf8').on('data', takeLines);
  child.stdout.on('end', () => takeLines('\n'));
  const killAll = (): void => killGroup(child.pid);
  const late = AbortSignal.timeout(program.timeLimitMs);
  const over = AbortSignal.any([o.signal, late]);
  over.addEventListener('abort', killAll, { once: true });
  try {
    // Settles only when nobody holds its pipes any more, whatever it started included.
    await once(child, 'close').catch(() => undefined);
  } finally {
    over.removeEventListener('abort', killAll);
    killAll();
  }
  o.signal.throwIfAborted();
  return { ...(child.exitCode === null ? {} : { code: child.exitCode }), isLate: late.aborted, complaint: complaint.trim() };
}

/** Empty lines are left out. */
function splitLines(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  let count = 0;
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-LINE_LENGTH_MAX);
    for (const line of lines) {
      count += 1;
      if (line !== '' && count <= LINES_MAX) onLine(line);
    }
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

import { spawn } from 'node:child_process';
import { systemCode } from '@hypersdk/domain';

/** A notification is sent in seconds; whatever takes longer must not hold up a night's exports. */
const HOOK_TIMEOUT_MS = 30_000;

const STANDARD_ERROR = 2;

/**
 * Runs a program without a shell and gives it a JSON document on standard input. What it prints goes to standard error, because standard output
 * is the result's alone. Answers what went wrong, as the end of a sentence; it never throws.
 */
export function tellHook(program: string, document: unknown, timeoutMs: number = HOOK_TIMEOUT_MS): Promise<string | undefined> {
  return new Promise((resolve) => {
    // In a group of its own, so that whatever the program started ends with it, and Ctrl-C for us is not one for it.
    const child = spawn(program, [], { stdio: ['pipe', STANDARD_ERROR, STANDARD_ERROR], detached: true, shell: false });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
    }, timeoutMs);
    const end = (problem: string | undefined): void => {
      clearTimeout(timer);
      resolve(problem);
    };
    child.on('error', (error) => end(`cannot be run: ${whyNot(error)}.`));
    child.on('exit', (code, signal) => {
      if (isLate) return end(`took longer than ${timeoutMs / 1000} seconds and was ended.`);
      end(code === 0 ? undefined : `failed: ${signal === null ? `exit code ${String(code)}` : signal}.`);
    });
    // A hook need not read what it is told.
    child.stdin?.on('error', () => undefined).end(`${JSON.stringify(document)}\n`);
  });
}

const whyNot = (error: Error): string =>
  systemCode(error) === 'ENOENT' ? 'there is no such program; a hook is one program, without arguments' : error.message;

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}

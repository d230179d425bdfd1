import { spawn } from 'node:child_process';
import { Link } from './link.ts';

export interface ProgramWish {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to this process's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A program that carried a link is over. What it said is outside text. */
export class ProgramEnded extends Error {
  readonly status: number | undefined;
  readonly said: string;

  constructor(program: string, o: { readonly status: number | undefined; readonly said: string }) {
    super(`${program} ended${o.status === undefined ? '' : ` with status ${o.status}`}`);
    this.name = 'ProgramEnded';
    this.status = o.status;
    this.said = o.said;
  }
}

/** As many of a program's last words as are kept. */
const SAID_MAX = 8 * 1024;
/** A program whose output ended says why, and leaves, within this time. */
const LAST_WORDS_MS = 2000;

/** A link to a program's standard input and output. No shell is between; the program ends with the link. Rejects with the system's error. */
export async function dialProgram({ program, args, environment }: ProgramWish, o: { readonly signal: AbortSignal }): Promise<Link> {
  o.signal.throwIfAborted();
  const child = spawn(program, args, { stdio: 'pipe', shell: false, env: { ...process.env, ...environment } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_MAX);
  });
  const exited = Promise.withResolvers<void>();
  child.once('close', () => exited.resolve());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // An error may also come later, when the program cannot be ended; there is nothing to be done about that one.
  child.once('spawn', resolve).on('error', reject);
  await promise;

  const explain = async (): Promise<Error> => {
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = setTimeout(giveUp, LAST_WORDS_MS);
    await Promise.race([exited.promise, late]);
    clearTimeout(timer);
    return new ProgramEnded(program, { status: child.exitCode ?? undefined, said });
  };
  const destroy = (): void => {
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
    child.kill();
    child.unref();
  };
  return new Link({ from: child.stdout, to: child.stdin, destroy, explain });
}

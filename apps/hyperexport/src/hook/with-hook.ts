import { toErrorDocument, toHyperError } from '../output/error-report.ts';
import { printable } from '../output/printable.ts';
import type { RunSubject } from '../run-record.ts';
import type { Terminal } from '../terminal.ts';
import { tool } from '../tool.ts';
import { requireHook } from './require-hook.ts';
import { tellHook } from './tell-hook.ts';

interface Hooked<Outcome> {
  readonly hook: string | undefined;
  readonly cli: { readonly terminal: Pick<Terminal, 'err'> };
  readonly subject: Pick<RunSubject, 'command' | 'source' | 'target'> | { readonly command: 'batch'; readonly source: string };
  readonly toDocument: (outcome: Outcome) => Readonly<Record<string, unknown>>;
  /** What went wrong in an outcome that is answered all the same. */
  readonly failed?: (outcome: Outcome) => unknown;
}

/** Does the work and tells the hook how it ended. A hook that fails is a warning: what was copied is copied. */
export async function withHook<Outcome>({ hook, cli, subject, toDocument, failed }: Hooked<Outcome>, work: () => Promise<Outcome>): Promise<Outcome> {
  if (hook === undefined) return work();
  requireHook(hook);
  const startedAt = new Date().toISOString();
  const { command, ...about } = subject;
  const tell = async (event: string, result: Readonly<Record<string, unknown>>): Promise<void> => {
    const document = { event: `${command}.${event}`, version: 1, tool, ...about, startedAt, finishedAt: new Date().toISOString(), ...result };
    const problem = await tellHook(hook, document);
    if (problem !== undefined) cli.terminal.err(`hyperexport: the hook ${printable(hook)} ${problem}\n`);
  };
  const outcome = await work().catch(async (thrown: unknown) => {
    await tell('failed', { ...toErrorDocument(toHyperError(thrown)) });
    throw thrown;
  });
  await tell(failed?.(outcome) === undefined ? 'succeeded' : 'failed', toDocument(outcome));
  return outcome;
}

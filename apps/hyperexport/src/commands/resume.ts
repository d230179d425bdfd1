import { HyperError } from '@hypersdk/domain';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { parseText } from '../flags/parsers.ts';
import { toArgs } from '../flags/to-args.ts';
import { findRun } from '../run-id.ts';
import { listenForStop } from '../stop.ts';

export const resumeCommand = buildCommand<ProgressFlags, [id?: string], CliContext>({
  docs: {
    brief: 'Go on with a run that was stopped or killed',
    fullDescription: `Runs the same command again, in the same words. What was copied and proven
stays; the last window before the stop is read again and compared. Without an
ID it is the newest run that did not succeed. Typing the old command again
does the same.

EXAMPLES
  hyperexport resume
  hyperexport resume 7Q4M2K`,
  },
  parameters: {
    flags: progressFlags,
    positional: {
      kind: 'tuple',
      parameters: [{ parse: parseText, optional: true, placeholder: 'ID', brief: 'Run to go on with, or the end of its id' }],
    },
  },
  func: resume,
});

async function resume(this: CliContext, flags: ProgressFlags, id?: string): Promise<void> {
  const services = await this.services();
  const entry = await findRunWatched(await services.history(), id);
  if (entry.state === 'succeeded') throw new HyperError('usage/invalid', `Run ${entry.id} succeeded; there is nothing to go on with`);
  const [verb, ...words] = entry.resume;
  if (verb === undefined) throw new HyperError('usage/invalid', `Run ${entry.id} does not say how to go on`);
  this.process.exitCode = await this.again([verb, ...toArgs({ ...flags }), ...words]);
}

async function findRunWatched(history: Parameters<typeof findRun>[0], id: string | undefined): ReturnType<typeof findRun> {
  using stop = listenForStop();
  return await findRun(history, id, stop);
}

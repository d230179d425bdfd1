import { formatBytes } from '@hypersdk/domain';
import type { HistoryEntry } from '@hypersdk/ports';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { HISTORY_MAX } from '../flags/limits.ts';
import { outputFlags, type OutputFlags } from '../flags/output-flags.ts';
import { countParser } from '../flags/parsers.ts';
import { respond } from '../output/respond.ts';
import { formatTable } from '../output/table.ts';
import { shortId } from '../run-id.ts';
import { listenForStop } from '../stop.ts';

interface HistoryFlags extends OutputFlags {
  readonly limit: number;
}

export const historyCommand = buildCommand<HistoryFlags, [], CliContext>({
  docs: {
    brief: 'Show what was run, newest first',
    fullDescription: `Every export and conversion that needs proof is remembered with its outcome.
The ID is what "hyperexport resume" takes.

EXAMPLES
  hyperexport history
  hyperexport history --limit 5 --json`,
  },
  parameters: {
    flags: {
      limit: { kind: 'parsed', parse: countParser({ min: 1, max: HISTORY_MAX }), default: '20', placeholder: 'N', brief: 'Runs to show' },
      ...outputFlags,
    },
  },
  func: showHistory,
});

async function showHistory(this: CliContext, flags: HistoryFlags): Promise<void> {
  const services = await this.services();
  const history = await services.history();
  using stop = listenForStop();
  const recorded = await history.list({ signal: stop.signal, limit: flags.limit });
  const entries = recorded.map((entry) =>
    entry.state === 'running' && !services.runs.isHeld(entry.id) ? ({ ...entry, state: 'interrupted' } as const) : entry,
  );
  respond(this, flags, { document: { runs: entries }, text: () => describeEntries(entries) });
}

function describeEntries(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return 'Nothing was run yet.\n';
  return formatTable(
    [
      { title: 'ID' },
      { title: 'STARTED (UTC)' },
      { title: 'RUN' },
      { title: 'STATE' },
      { title: 'DATA', align: 'right' },
      { title: 'SOURCE → TARGET' },
    ],
    entries.map((entry) => [
      shortId(entry.id),
      entry.startedAt.slice(0, 16).replace('T', ' '),
      entry.command,
      entry.state,
      entry.bytes === undefined ? '' : formatBytes(entry.bytes),
      `${entry.source} → ${entry.target}`,
    ]),
  );
}

import { formatBytes } from '@hypersdk/domain';
import type { HistoryEntry } from '@hypersdk/ports';
import type { CliContext } from '../cli-context.ts';
import type { HistoryFlags } from '../commands/history.ts';
import { HISTORY_MAX } from '../flags/limits.ts';
import { respond } from '../output/respond.ts';
import { formatTable } from '../output/table.ts';
import { shortId } from '../run-id.ts';
import { listenForStop } from '../stop.ts';
import { searchHistory, type HistoryQuery } from './search-history.ts';

export async function showHistory(this: CliContext, flags: HistoryFlags, ...words: readonly string[]): Promise<void> {
  const services = await this.services();
  const history = await services.history();
  using stop = listenForStop();
  const recorded = await history.list({ signal: stop.signal, limit: HISTORY_MAX });
  const known = recorded.map((entry) =>
    entry.state === 'running' && !services.runs.isHeld(entry.id) ? ({ ...entry, state: 'interrupted' } as const) : entry,
  );
  const entries = searchHistory(known, toQuery(flags, words)).slice(0, flags.limit);
  if (flags.report === 'html' && !flags.json) return await printHtml(this, entries, { flags, words, now: services.clock.now() });
  respond(
    this,
    { ...flags, json: flags.json === true || flags.report === 'json' },
    { document: { runs: entries }, text: () => describeEntries(entries, known.length > 0) },
  );
}

const toQuery = ({ vm, since, until, result }: HistoryFlags, words: readonly string[]): HistoryQuery => ({
  words,
  ...(vm === undefined ? {} : { vm }),
  ...(since === undefined ? {} : { since }),
  ...(until === undefined ? {} : { until }),
  ...(result === undefined ? {} : { result }),
});

async function printHtml(
  cli: CliContext,
  entries: readonly HistoryEntry[],
  { flags, words, now }: { readonly flags: HistoryFlags; readonly words: readonly string[]; readonly now: number },
): Promise<void> {
  const { htmlReport } = await import('./html-report.ts');
  const times = [['since', flags.since] as const, ['until', flags.until] as const].flatMap(([name, time]) =>
    time === undefined ? [] : [`--${name} ${new Date(time).toISOString()}`],
  );
  const query = [flags.vm && `--vm ${flags.vm}`, flags.result && `--result ${flags.result}`, ...times, ...words]
    .filter((part) => part !== undefined)
    .join(' ');
  cli.terminal.out(htmlReport(entries, { madeAt: new Date(now), query }));
}

function describeEntries(entries: readonly HistoryEntry[], isAnyKnown: boolean): string {
  if (entries.length === 0) return isAnyKnown ? 'No run matches.\n' : 'Nothing was run yet.\n';
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

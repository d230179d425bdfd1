import type { HistoryEntry } from '@hypersdk/ports';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { HISTORY_MAX } from '../flags/limits.ts';
import { outputFlags, type OutputFlags } from '../flags/output-flags.ts';
import { countParser, parseText } from '../flags/parsers.ts';
import { parseMoment, runResults } from '../history/search-history.ts';

const reports = ['text', 'json', 'html'] as const;

export interface HistoryFlags extends OutputFlags {
  readonly limit: number;
  readonly vm?: string;
  readonly since?: number;
  readonly until?: number;
  readonly result?: HistoryEntry['state'];
  readonly report?: (typeof reports)[number];
}

export const historyCommand = buildCommand<HistoryFlags, readonly string[], CliContext>({
  docs: {
    brief: 'Show what was run, newest first',
    fullDescription: `Every export and conversion that needs proof is remembered with its outcome.
The ID is what "hyperexport resume" takes. TEXT is looked for in names, paths,
ids and errors. TIME is a day, a time, or how long ago: 2026-11-01, 12h, 7d.
The HTML report is one page with nothing beside it.

EXAMPLES
  hyperexport history
  hyperexport history --limit 5 --json
  hyperexport history --vm web-01 --since 7d --result failed
  hyperexport history --since 2026-11-01 --report html > november.html`,
  },
  parameters: {
    flags: {
      vm: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'NAME', brief: 'Only runs of this VM; a part of the name will do' },
      since: { kind: 'parsed', optional: true, parse: parseTime, placeholder: 'TIME', brief: 'Only runs begun at this time or later' },
      until: { kind: 'parsed', optional: true, parse: parseTime, placeholder: 'TIME', brief: 'Only runs begun before' },
      result: { kind: 'enum', optional: true, values: runResults, brief: 'Only these' },
      limit: { kind: 'parsed', parse: countParser({ min: 1, max: HISTORY_MAX }), default: '20', placeholder: 'N', brief: 'Runs to show' },
      report: { kind: 'enum', optional: true, values: reports, brief: 'Form to print them in' },
      ...outputFlags,
    },
    positional: { kind: 'array', parameter: { parse: parseText, placeholder: 'TEXT', brief: 'Words to look for' } },
  },
  loader: async () => (await import('../history/show-history.ts')).showHistory,
});

function parseTime(text: string): number {
  const time = parseMoment(text, Date.now());
  if (time === undefined) throw new Error('it must be a day, a time, or how long ago: 2026-11-01, 2026-11-01T08:00, 12h, 7d.');
  return time;
}

import type { HistoryEntry } from '@hypersdk/ports';

export const runResults = ['running', 'succeeded', 'failed', 'cancelled', 'interrupted'] as const satisfies readonly HistoryEntry['state'][];

/** What a run must be like; whatever is absent does not matter. Times are milliseconds since 1970. */
export interface HistoryQuery {
  /** A part of the name of a VM, or of what was exported. Upper and lower case alike. */
  readonly vm?: string;
  readonly since?: number;
  readonly until?: number;
  readonly result?: HistoryEntry['state'];
  /** Words that all occur somewhere in the run. */
  readonly words: readonly string[];
}

/** The runs that match, in the order given. */
export function searchHistory(entries: readonly HistoryEntry[], { vm, since, until, result, words }: HistoryQuery): readonly HistoryEntry[] {
  return entries.filter((entry) => {
    const startedAt = Date.parse(entry.startedAt);
    return (
      (vm === undefined || subjectsOf(entry).some((subject) => contains(subject, vm))) &&
      (since === undefined || startedAt >= since) &&
      (until === undefined || startedAt < until) &&
      (result === undefined || entry.state === result) &&
      words.every((word) => textsOf(entry).some((text) => contains(text, word)))
    );
  });
}

/** The VMs where they are known; a run that did not succeed is known by what was asked for. */
const subjectsOf = (entry: HistoryEntry): readonly string[] => entry.vms ?? [entry.source];

const textsOf = ({ id, command, state, source, target, vms = [], root = '', error }: HistoryEntry): readonly string[] =>
  [id, command, state, source, target, root].concat(vms, error ? [error.code, error.message] : []);

const contains = (text: string, part: string): boolean => text.toLocaleLowerCase('en').includes(part.toLocaleLowerCase('en'));

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * A moment as people say it: `2026-11-01` (the beginning of that day here), `2026-11-01T08:00`, a time with a zone, or how long ago: `90m`, `12h`, `7d`, `2w`.
 * Answers undefined when it is none of these.
 */
export function parseMoment(text: string, now: number): number | undefined {
  const ago = /^(\d{1,5})([mhdw])$/.exec(text);
  if (ago) return now - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0);
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  if (!match) return undefined;
  const [, day = '', time = '00:00', zone = ''] = match;
  const at = Date.parse(`${day}T${time}${zone}`);
  // Date.parse moves 31 February on to March; whoever typed it meant something else.
  return Number.isNaN(at) || Number.isNaN(Date.parse(day)) || new Date(day).toISOString().slice(0, 10) !== day ? undefined : at;
}

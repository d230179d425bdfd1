import { errorTable, HyperError, type ErrorCode } from '@hypersdk/domain';
import type { Cancel, History, HistoryEntry } from '@hypersdk/ports';
import { HISTORY_MAX } from './flags/limits.ts';
import { listNearest } from './output/nearest-names.ts';

// Ids begin with the time and end in chance: the end tells runs apart, and six characters of base32 are enough for a person's history.
const SHORT_LENGTH = 6;

export const shortId = (id: string): string => id.slice(-SHORT_LENGTH);

/** The newest run that can go on, or the one whose id ends in `ending`. */
export async function findRun(history: History, ending: string | undefined, o: Cancel): Promise<HistoryEntry> {
  const entries = await history.list({ ...o, limit: HISTORY_MAX });
  if (ending === undefined) {
    const newest = entries.find(canGoOn);
    if (!newest) throw new HyperError('run/not-found', 'There is no run to go on with');
    return newest;
  }
  const matches = entries.filter((entry) => entry.id.toUpperCase().endsWith(ending.toUpperCase()));
  if (matches.length > 1)
    throw new HyperError('usage/invalid', `More than one run ends in ${ending}: ${matches.map((entry) => entry.id).join(', ')}`);
  const [found] = matches;
  if (!found) throw noRun(entries, ending);
  return found;
}

function noRun(entries: readonly HistoryEntry[], ending: string): HyperError {
  const listed = (runs: readonly HistoryEntry[]): string =>
    listNearest(
      runs.map(({ id }) => shortId(id)),
      ending,
    );
  const open = entries.filter(canGoOn);
  if (open.length > 0) return new HyperError('run/not-found', `There is no run ${ending}; what can go on is ${listed(open)}`);
  const there = entries.length === 0 ? 'none was ever begun' : `there is ${listed(entries)}, and none of them has anything left to do`;
  return new HyperError('run/not-found', `There is no run ${ending}; ${there}`);
}

/** What did not succeed and was not refused for good. A run still called running is either alive, and then its target says so, or was killed. */
export const canGoOn = (entry: HistoryEntry): boolean => entry.state !== 'succeeded' && entry.resume.length > 0 && !isRefused(entry.error?.code);

const isRefused = (code: string | undefined): boolean => code !== undefined && isErrorCode(code) && errorTable[code].retry === 'never';

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorTable, code);

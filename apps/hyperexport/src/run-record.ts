import { HyperError } from '@hypersdk/domain';
import type { Cancel, Clock, History, HistoryEntry, Ids } from '@hypersdk/ports';
import { HISTORY_MAX } from './flags/limits.ts';
import { toHyperError } from './output/error-report.ts';
import { canGoOn, shortId } from './run-id.ts';
import type { RunMarks } from './run-marks.ts';

interface Ports {
  history(): Promise<History>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly runs: RunMarks;
}

/** What a run is remembered by. */
export type RunSubject = Pick<HistoryEntry, 'command' | 'source' | 'target' | 'resume'>;
export interface BegunRun {
  readonly entry: HistoryEntry;
  /** An earlier attempt of the same work did not succeed. */
  readonly continues: boolean;
}

type RunGain = Pick<HistoryEntry, 'bytes' | 'root' | 'vms'>;

// An ending is recorded even for a run that was called off, but it is not worth waiting long for.
const RECORD_TIMEOUT_MS = 5_000;

/**
 * Remembers a run while it goes on and how it ended. The same command typed again after a stop is the same run and keeps its id.
 * What can go on is thrown with the id that goes on with it.
 */
export async function recordRun<Outcome>(
  ports: Ports,
  subject: RunSubject,
  o: Cancel & { readonly work: (run: BegunRun) => Promise<Outcome>; readonly gain: (outcome: Outcome) => RunGain },
): Promise<Outcome> {
  const history = await ports.history();
  const run = await beginRun(ports, subject, { ...o, history });
  const { entry } = run;
  using _held = ports.runs.hold(entry.id);
  const finish = (end: Partial<HistoryEntry> & Pick<HistoryEntry, 'state'>): Promise<void> =>
    history.record({ ...entry, finishedAt: timeOf(ports.clock), ...end }, { signal: AbortSignal.timeout(RECORD_TIMEOUT_MS) });
  const outcome = await o.work(run).catch(async (thrown: unknown) => {
    const error = toHyperError(thrown);
    const state = error.code === 'transfer/cancelled' ? 'cancelled' : 'failed';
    // That the ending cannot be written down (no room, perhaps) is not what the person has to know first.
    await finish({ state, error: { code: error.code, message: error.message } }).catch(() => undefined);
    throw error.retry === 'never' || subject.resume.length === 0 ? error : withResume(error, entry);
  });
  await finish({ state: 'succeeded', ...o.gain(outcome) });
  return outcome;
}

async function beginRun(ports: Ports, subject: RunSubject, o: Cancel & { readonly history: History }): Promise<BegunRun> {
  const known = await o.history.list({ signal: o.signal, limit: HISTORY_MAX });
  const before = known.find((entry) => canGoOn(entry) && sameWork(entry, subject));
  if (before?.state === 'running' && ports.runs.isHeld(before.id))
    throw new HyperError('target/busy', `Run ${shortId(before.id)} is at this already`);
  const entry: HistoryEntry = { ...subject, id: before?.id ?? ports.ids.next(), state: 'running', startedAt: timeOf(ports.clock) };
  await o.history.record(entry, o);
  return { entry, continues: before !== undefined };
}

export const sameWork = (entry: HistoryEntry, subject: Pick<RunSubject, 'command' | 'resume'>): boolean =>
  entry.command === subject.command && JSON.stringify(entry.resume) === JSON.stringify(subject.resume);

const timeOf = (clock: Clock): string => new Date(clock.now()).toISOString();

const withResume = (error: HyperError, entry: HistoryEntry): HyperError =>
  new HyperError(error.code, error.message, { detail: { ...error.detail, resume: shortId(entry.id) }, cause: error });

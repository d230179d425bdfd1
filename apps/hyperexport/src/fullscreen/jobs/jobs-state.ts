import type { VMId } from '@hypersdk/domain';
import type { FinishedExport } from '../../export/describe-export.ts';
import type { ProgressLine } from '../../progress/render-progress.ts';
import { clampCursor } from '../widgets/scroll.ts';

/** One export that goes on, or did. */
export interface Job {
  readonly id: number;
  readonly label: string;
  /** The whole order that it is part of. */
  readonly order: JobOrder;
  /** Its VM; absent for an earlier run that is gone on with, which may be of several. */
  readonly vm?: VMId;
  /** Bytes of data to copy, as far as they are known before. */
  readonly size: number;
  readonly state: 'waiting' | 'running' | 'pausing' | 'paused' | 'cancelling' | 'cancelled' | 'done' | 'failed';
  readonly progress?: ProgressLine;
  readonly end?: JobEnd;
}

/** What was started together, and shares its limits. */
export interface JobOrder {
  readonly id: number;
  readonly line: readonly string[];
  /** Disks, and so VMs, at a time. */
  readonly width: number;
}

/** How an attempt ended. A stopped one has its checkpoint; `resume` is the id of the run that goes on with it. */
export type JobEnd =
  | { readonly kind: 'done'; readonly finished: readonly FinishedExport[] }
  | { readonly kind: 'stopped'; readonly resume?: string }
  | { readonly kind: 'failed'; readonly problem: string; readonly canGoOn: boolean; readonly exitCode: number; readonly resume?: string };

export interface JobsState {
  readonly jobs: readonly Job[];
  readonly cursor: number;
  readonly nextId: number;
}

export const NO_JOBS: JobsState = { jobs: [], cursor: 0, nextId: 1 };

const ACTIVE: ReadonlySet<Job['state']> = new Set(['running', 'pausing', 'cancelling']);
export const isActive = ({ state }: Pick<Job, 'state'>): boolean => ACTIVE.has(state);
/** Something goes on, or will without anybody doing more. */
export const isBusy = ({ jobs }: JobsState): boolean => jobs.some((job) => isActive(job) || job.state === 'waiting');
export const jobUnder = ({ jobs, cursor }: JobsState): Job | undefined => jobs[cursor];

export function addJobs(state: JobsState, more: readonly Omit<Job, 'id' | 'state'>[]): JobsState {
  const added = more.map((job, at): Job => ({ ...job, id: state.nextId + at, state: 'waiting' }));
  return { jobs: [...state.jobs, ...added], cursor: state.jobs.length, nextId: state.nextId + added.length };
}

/** Starts what waits, as far as there is room: answers the jobs that now run. */
export function startWaiting(state: JobsState): readonly [JobsState, started: readonly Job[]] {
  let running = state.jobs.filter(isActive).length;
  const started: Job[] = [];
  const jobs = state.jobs.map((job): Job => {
    if (job.state !== 'waiting' || running >= job.order.width) return job;
    running += 1;
    const { end: _before, ...rest } = job;
    const next: Job = { ...rest, state: 'running' };
    started.push(next);
    return next;
  });
  return [started.length === 0 ? state : { ...state, jobs }, started];
}

const PAUSED: Readonly<Partial<Record<Job['state'], Job['state']>>> = { running: 'pausing', waiting: 'paused' };
const CANCELLED: Readonly<Partial<Record<Job['state'], Job['state']>>> = {
  running: 'cancelling',
  pausing: 'cancelling',
  waiting: 'cancelled',
  paused: 'cancelled',
};

/** A paused export has ended at a checkpoint: it reads nothing, holds nothing, and outlives this process. */
export const pauseJob = (job: Job): Job => ({ ...job, state: PAUSED[job.state] ?? job.state });
export const cancelJob = (job: Job): Job => ({ ...job, state: CANCELLED[job.state] ?? job.state });

export function resumeJob(job: Job): Job {
  const canResume = job.state === 'paused' || job.state === 'cancelled' || (job.state === 'failed' && job.end?.kind === 'failed' && job.end.canGoOn);
  return canResume ? { ...job, state: 'waiting' } : job;
}

/** An attempt has ended: what that means depends on what was wished for meanwhile. */
export function endJob(job: Job, end: JobEnd): Job {
  if (end.kind === 'stopped') return { ...job, state: job.state === 'cancelling' ? 'cancelled' : 'paused', end };
  return { ...job, state: end.kind, end };
}

export const changeJob = (state: JobsState, id: number, change: (job: Job) => Job): JobsState => ({
  ...state,
  jobs: state.jobs.map((job) => (job.id === id ? change(job) : job)),
});

export const withCursor = (state: JobsState, cursor: number): JobsState => ({ ...state, cursor: clampCursor(cursor, state.jobs.length) });

/** All jobs as one line: done so far by data, and the time left at the speed of now. */
export function totalOf(jobs: readonly Job[]): ProgressLine {
  const counted = jobs.filter(({ state }) => state !== 'cancelled');
  const all = counted.reduce((sum, { size }) => sum + size, 0);
  const done = counted.reduce((sum, job) => sum + job.size * fractionOf(job), 0);
  const speeds = jobs.flatMap((job) => (job.state === 'running' && job.progress?.estimate.speed !== undefined ? [job.progress.estimate.speed] : []));
  const speed = speeds.length === 0 ? undefined : speeds.reduce((sum, one) => sum + one, 0);
  const knowsTime = speed !== undefined && speed > 0 && jobs.some((job) => job.progress?.estimate.remainingMs !== undefined);
  // Every byte is read twice: copied, and read back.
  const remainingMs = knowsTime ? ((PASSES * (all - done)) / speed) * 1000 : undefined;
  return {
    label: 'total',
    stage: `${counted.filter(({ state }) => state === 'done').length}/${counted.length}`,
    fraction: all === 0 ? (counted.every(({ state }) => state === 'done') ? 1 : 0) : done / all,
    estimate: { speed, remainingMs, stalledMs: 0 },
  };
}
const PASSES = 2;

export const fractionOf = (job: Job): number => (job.state === 'done' ? 1 : Math.min(job.progress?.fraction ?? 0, 0.99));

import { exportLineOf, type BrowseEffect, type BrowseState, type Step } from './browse-state.ts';
import { isBusy, pauseJob, type Job } from './jobs/jobs-state.ts';
import { subjectsOf } from './list/list-state.ts';

/** What waits is paused, what runs is asked to stop; who asked leaves when the last one has. */
export function leaveOrderly(state: BrowseState): Step {
  const { asking: _answered, ...rest } = state;
  const running = state.jobs.jobs.filter(({ state: is }) => is === 'running');
  const jobs = { ...state.jobs, jobs: state.jobs.jobs.map(pauseJob) };
  return [{ ...rest, jobs, isLeaving: true, ...(isBusy(state.jobs) ? { screen: 'jobs' as const } : {}) }, running.map(toHalt)];
}

export const toHalt = ({ id }: Job): BrowseEffect => ({ kind: 'halt', job: id });

/** The command of now, judged. */
export const toCheck = (state: BrowseState): BrowseEffect => ({ kind: 'check', line: exportLineOf(state), vms: subjectsOf(state.list) });

import type { BrowseState, Step } from '../browse-state.ts';
import { toHalt } from '../browse-steps.ts';
import { bodyOf } from '../screen-frame.ts';
import type { Key } from '../widgets/key.ts';
import { moveCursor } from '../widgets/scroll.ts';
import { cancelJob, changeJob, isActive, jobUnder, pauseJob, resumeJob, withCursor, type Job, type JobsState } from './jobs-state.ts';
import { jobRows } from './view-jobs.ts';

/** What a key does to the exports that go on. `cancel` comes after a yes. */
export function reduceJobs(state: BrowseState, key: Key): Step {
  const cursor = moveCursor(key, { cursor: state.jobs.cursor, count: state.jobs.jobs.length, rows: jobRows(bodyOf(state)) });
  if (cursor !== undefined) return [{ ...state, jobs: withCursor(state.jobs, cursor) }, []];
  const under = jobUnder(state.jobs);
  switch (key.id) {
    case 'escape':
      return [{ ...state, screen: 'list' }, []];
    case ' ':
    case 'p':
      return under ? changed(state, (job) => (job.id === under.id ? pauseOrResume(job) : job)) : [state, []];
    case 'r':
      return under ? changed(state, (job) => (job.id === under.id ? resumeJob(job) : job)) : [state, []];
    case 'P':
      return changed(state, pauseJob);
    case 'R':
      return changed(state, (job) => (job.state === 'paused' ? resumeJob(job) : job));
    case 'c':
      return under && cancelJob(under).state !== under.state ? [{ ...state, asking: 'cancel' }, []] : [state, []];
    case 'cancel':
      return under ? changed(state, (job) => (job.id === under.id ? cancelJob(job) : job)) : [state, []];
    default:
      return [state, []];
  }
}

const pauseOrResume = (job: Job): Job => (job.state === 'running' || job.state === 'waiting' ? pauseJob(job) : resumeJob(job));

/** What runs and no longer should is halted; it ends at its checkpoint. */
function changed(state: BrowseState, change: (job: Job) => Job): Step {
  const jobs: JobsState = state.jobs.jobs.reduce((all, { id }) => changeJob(all, id, change), state.jobs);
  const halted = state.jobs.jobs.filter((job, at) => job.state === 'running' && jobs.jobs[at]?.state !== 'running');
  return [{ ...state, jobs }, halted.filter(isActive).map(toHalt)];
}

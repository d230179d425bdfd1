import type { BrowseEffect, BrowseEvent, BrowseState, Step } from './browse-state.ts';
import { leaveOrderly } from './browse-steps.ts';
import { changeJob, endJob, isActive, isBusy, startWaiting } from './jobs/jobs-state.ts';
import { refreshList, type ListState } from './list/list-state.ts';
import { openOptions } from './options/options-state.ts';
import { reduceKey } from './reduce-key.ts';
import { openUnfinished } from './unfinished/unfinished-state.ts';

/** The one place where the state changes: what happened goes in, the new state and what it asks for come out. Nothing else has effects. */
export function reduceBrowse(before: BrowseState, event: BrowseEvent): Step {
  const [state, effects] = reduceEvent(before, event);
  const [scheduled, started] = state.isLeaving ? [state.jobs, []] : startWaiting(state.jobs);
  const next = { ...state, jobs: scheduled };
  const leave: readonly BrowseEffect[] = next.isLeaving && !isBusy(next.jobs) ? [{ kind: 'leave', isForced: false }] : [];
  return [next, [...effects, ...wishToLook(next), ...started.map((job): BrowseEffect => ({ kind: 'run', job })), ...leave]];
}

function reduceEvent(state: BrowseState, event: BrowseEvent): Step {
  switch (event.kind) {
    case 'key': {
      const { notice: _told, ...rest } = state;
      return reduceKey(rest, event.key);
    }
    case 'resized':
      return [{ ...state, size: event.size }, []];
    case 'stopped':
      return leaveOrderly(state);
    case 'prepared': {
      const unfinished = openUnfinished(event.unfinished);
      const options = openOptions(event);
      const isOffered = event.unfinished.length > 0 && state.screen === 'list' && state.list.prompt === undefined;
      return [{ ...state, options, unfinished, screen: isOffered ? 'unfinished' : state.screen }, []];
    }
    case 'loaded':
      return [event.source === state.list.source ? { ...state, list: loaded(state.list, event) } : state, []];
    case 'looked':
      return [{ ...state, list: { ...state.list, looks: new Map([...state.list.looks, [event.vm, event.looks]]) } }, []];
    case 'told':
      return [{ ...state, notice: event.text }, []];
    default:
      return reduceAnswer(state, event);
  }
}

type Answer = Extract<BrowseEvent, { kind: 'checked' | 'planned' | 'unplannable' | 'sized' | 'progressed' | 'ended' | 'saved' }>;

function reduceAnswer(state: BrowseState, event: Answer): Step {
  switch (event.kind) {
    case 'checked': {
      const { problem: _before, ...options } = state.options;
      return [{ ...state, options: event.problem === undefined ? options : { ...options, problem: event.problem } }, []];
    }
    case 'planned': {
      const slowest = event.slowest === undefined ? {} : { slowest: event.slowest };
      return [{ ...state, plan: { state: 'ready', plans: event.plans, cursor: 0, ...slowest } }, []];
    }
    case 'unplannable':
      return [{ ...state, plan: { state: 'failed', problem: event.problem } }, []];
    case 'sized':
      return [{ ...state, jobs: changeJob(state.jobs, event.job, (job) => ({ ...job, size: event.size })) }, []];
    case 'progressed':
      return [{ ...state, jobs: changeJob(state.jobs, event.job, (job) => (isActive(job) ? { ...job, progress: event.progress } : job)) }, []];
    case 'ended':
      return [{ ...state, jobs: changeJob(state.jobs, event.job, (job) => endJob(job, event.end)) }, []];
    case 'saved': {
      const { saving: _name, ...options } = state.options;
      const profiles = new Map([...options.profiles, [event.name, event.profile]]);
      return [{ ...state, options: { ...options, profiles, profile: event.name }, notice: `Saved as profile ${event.name}.` }, []];
    }
  }
}

function loaded(list: ListState, event: Extract<BrowseEvent, { kind: 'loaded' }>): ListState {
  const { problem: _before, ...rest } = list;
  const there = new Set(event.vms.map(({ id }) => id));
  const chosen = new Set([...list.chosen].filter((id) => there.has(id)));
  const problem = event.problem === undefined ? {} : { problem: event.problem };
  return refreshList({ ...rest, vms: event.vms, leftOut: event.leftOut, isLoading: false, chosen, ...problem });
}

/** Disks are looked into when somebody looks at them, not before. */
function wishToLook({ screen, list }: BrowseState): readonly BrowseEffect[] {
  const under = screen === 'list' && list.hasDetails ? list.shown[list.cursor] : undefined;
  return under && !list.looks.has(under.id) ? [{ kind: 'look', vm: under }] : [];
}

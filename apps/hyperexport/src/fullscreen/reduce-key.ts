import { exportLineOf, type BrowseEffect, type BrowseState, type Step } from './browse-state.ts';
import { addJobs, isBusy, type JobOrder } from './jobs/jobs-state.ts';
import { reduceJobs } from './jobs/reduce-jobs.ts';
import { sizeToCopy } from './list/vm-columns.ts';
import { reduceList } from './list/reduce-list.ts';
import { subjectsOf } from './list/list-state.ts';
import { listRows } from './list/view-list.ts';
import { toProfile } from './options/option-fields.ts';
import { fieldAt } from './options/options-state.ts';
import { reduceOptions } from './options/reduce-options.ts';
import { canStart, reducePlan } from './plan/plan-state.ts';
import { leaveOrderly, toCheck } from './browse-steps.ts';
import { bodyOf } from './screen-frame.ts';
import { reduceUnfinished, withoutChosen } from './unfinished/unfinished-state.ts';
import { shortId } from '../run-id.ts';
import type { Key } from './widgets/key.ts';
import { textOf } from './widgets/text-field.ts';
import { isTooSmall } from './window.ts';

/** The state after a key. Keys that mean the same everywhere come first, then the screen's own. */
export function reduceKey(state: BrowseState, key: Key): Step {
  if (key.id === 'ctrl+c') return state.isLeaving ? [state, [{ kind: 'leave', isForced: true }]] : leaveOrderly(state);
  if (key.id === 'ctrl+z') return [state, [{ kind: 'suspend' }]];
  if (state.isLeaving) return [state, []];
  if (state.asking) return answer(state, key);
  if (state.hasHelp) return [{ ...state, hasHelp: false }, []];
  if (!isTyping(state)) {
    if (key.id === '?') return [{ ...state, hasHelp: true }, []];
    if (key.id === 'q') return isBusy(state.jobs) ? [{ ...state, asking: 'leave' }, []] : [state, [{ kind: 'leave', isForced: false }]];
  }
  return isTooSmall(state.size) ? [state, []] : reduceScreen(state, key);
}

/** Letters go into a text. */
function isTyping({ screen, list, options }: BrowseState): boolean {
  if (screen === 'list') return list.prompt !== undefined;
  return (
    screen === 'options' &&
    (options.saving !== undefined || (fieldAt(options.cursor) !== undefined && fieldAt(options.cursor)?.choices === undefined))
  );
}

function answer(state: BrowseState, key: Key): Step {
  const { asking, ...rest } = state;
  if (key.id !== 'y' && key.id !== 'enter') return [rest, []];
  return asking === 'leave' ? leaveOrderly(rest) : reduceJobs(rest, { id: 'cancel' });
}

function reduceScreen(state: BrowseState, key: Key): Step {
  switch (state.screen) {
    case 'list':
      return pressInList(state, key);
    case 'options':
      return pressInOptions(state, key);
    case 'plan':
      return pressInPlan(state, key);
    case 'jobs':
      return reduceJobs(state, key);
    case 'unfinished':
      return pressInUnfinished(state, key);
  }
}

function pressInList(state: BrowseState, key: Key): Step {
  if (!state.list.prompt) {
    if (key.id === 'p' && state.jobs.jobs.length > 0) return [{ ...state, screen: 'jobs' }, []];
    if (key.id === 'u' && state.unfinished.entries.length > 0) return [{ ...state, screen: 'unfinished' }, []];
  }
  const [list, wish] = reduceList(state.list, key, { rows: listRows(state.list, bodyOf(state)) });
  const next = { ...state, list };
  if (wish === 'load') return [next, [{ kind: 'load', source: list.source }]];
  if (wish === 'next') return [{ ...next, screen: 'options' }, [toCheck(next)]];
  return [next, []];
}

function pressInOptions(state: BrowseState, key: Key): Step {
  const [options, wish] = reduceOptions(state.options, key);
  const next = { ...state, options };
  switch (wish) {
    case 'back':
      return [{ ...next, screen: 'list' }, []];
    case 'check':
      return [next, [toCheck(next)]];
    case 'save': {
      const name = textOf(options.saving ?? { before: '', after: '' }).trim();
      return [next, [{ kind: 'save', name, profile: toProfile(options.values, options.extra) }]];
    }
    case 'plan':
      // What is wrong is on the screen already.
      if (options.problem) return [{ ...next, notice: 'First mend what is wrong.' }, []];
      return [{ ...next, screen: 'plan', plan: { state: 'planning' } }, [{ kind: 'plan', line: exportLineOf(next), vms: subjectsOf(next.list) }]];
    default:
      return [next, []];
  }
}

function pressInPlan(state: BrowseState, key: Key): Step {
  const [plan, wish] = reducePlan(state.plan, key, { rows: bodyOf(state).rows });
  if (wish === 'back') return [{ ...state, plan, screen: 'options' }, []];
  return wish === 'start' ? startPlanned({ ...state, plan }) : [{ ...state, plan }, []];
}

function startPlanned(state: BrowseState): Step {
  if (state.plan.state !== 'ready') return [state, []];
  const vms = state.plan.plans.filter(canStart).map(({ vm }) => vm);
  const order: JobOrder = { id: state.jobs.nextId, line: exportLineOf(state, vms), width: Number(state.options.values.parallel || WIDTH_DEFAULT) };
  const jobs = addJobs(
    state.jobs,
    vms.map((vm) => ({ label: vm.name, order, vm: vm.id, size: sizeToCopy(vm) })),
  );
  return [{ ...state, jobs, screen: 'jobs', list: { ...state.list, chosen: new Set() } }, []];
}
/** As the command's own. */
const WIDTH_DEFAULT = 2;

function pressInUnfinished(state: BrowseState, key: Key): Step {
  const [unfinished, wish] = reduceUnfinished(state.unfinished, key, { rows: bodyOf(state).rows });
  if (wish === undefined) return [{ ...state, unfinished }, []];
  if (wish === 'leave') return [{ ...state, unfinished, screen: 'list' }, []];
  const again = unfinished.entries.filter(({ id }) => unfinished.chosen.has(id));
  const jobs = addJobs(
    state.jobs,
    again.map((entry, at) => ({
      label: `${shortId(entry.id)} ${entry.source}`,
      order: { id: state.jobs.nextId + at, line: entry.resume, width: WIDTH_DEFAULT },
      // It is known once the source is open.
      size: 0,
    })),
  );
  return [{ ...state, jobs, unfinished: withoutChosen(unfinished), screen: 'jobs' }, [] satisfies readonly BrowseEffect[]];
}

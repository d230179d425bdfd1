import { exportLineOf, type BrowseState } from './browse-state.ts';
import { jobUnder, isActive } from './jobs/jobs-state.ts';
import { tellJobs, viewJobs } from './jobs/view-jobs.ts';
import { viewList } from './list/view-list.ts';
import { subjectsOf } from './list/list-state.ts';
import { viewOptions } from './options/view-options.ts';
import { viewPlan } from './plan/view-plan.ts';
import { bodyOf } from './screen-frame.ts';
import { movementKeys, screenKeys } from './screen-keys.ts';
import { viewUnfinished } from './unfinished/view-unfinished.ts';
import { keyRow } from './widgets/key-row.ts';
import { EMPTY, fitLine, fitRows, line, spread, wrapText, type Line } from './widgets/line.ts';
import { isTooSmall, SIZE_MIN } from './window.ts';

/** The whole screen, row by row, each exactly as wide as the window. A function of the state and of nothing else. */
export function viewBrowse(state: BrowseState): readonly Line[] {
  const { size } = state;
  const rows = isTooSmall(size) ? viewSmall(state) : viewWhole(state);
  return fitRows(rows, size.rows).map((row) => fitLine(row, size.columns));
}

function viewWhole(state: BrowseState): readonly Line[] {
  const { columns } = state.size;
  const body = state.hasHelp ? viewHelp(state) : viewBody(state);
  return [
    fitLine(viewTitle(state, columns), columns, { inverse: true }),
    EMPTY,
    ...fitRows(body, bodyOf(state).rows),
    viewNotice(state),
    keyRow(screenKeys[state.screen], columns),
  ];
}

function viewBody(state: BrowseState): readonly Line[] {
  const body = bodyOf(state);
  switch (state.screen) {
    case 'list':
      return viewList(state.list, body);
    case 'options':
      return viewOptions(state.options, { ...body, exportLine: exportLineOf(state) });
    case 'plan':
      return viewPlan(state.plan, body);
    case 'jobs':
      return viewJobs(state.jobs, body);
    case 'unfinished':
      return viewUnfinished(state.unfinished, body);
  }
}

function viewTitle(state: BrowseState, columns: number): Line {
  const { list, jobs } = state;
  const running = jobs.jobs.filter(isActive).length;
  const count = `${list.vms.length} VM${list.vms.length === 1 ? '' : 's'}`;
  const right = running > 0 ? `${running} running ` : state.screen === 'list' && !list.isLoading ? `${count} ` : ' ';
  return spread(line(` hyperexport  ${titleOf(state)}`), line(right), columns);
}

function titleOf({ screen, list }: BrowseState): string {
  switch (screen) {
    case 'list':
      return list.source;
    case 'options': {
      const [first, ...others] = subjectsOf(list);
      return `Export of ${first?.name ?? 'nothing'}${others.length === 0 ? '' : ` and ${others.length} more`}`;
    }
    case 'plan':
      return 'What would be done';
    case 'jobs':
      return 'Exports';
    case 'unfinished':
      return 'Exports that did not end';
  }
}

function viewNotice(state: BrowseState): Line {
  if (state.isLeaving) return line('Stopping at a checkpoint; Ctrl-C again ends at once.', { bold: true });
  if (state.asking === 'leave') return line('Exports go on. Stop them at a checkpoint, and leave? y: yes, any other key: no', { bold: true });
  if (state.asking === 'cancel')
    return line(`Cancel ${jobUnder(state.jobs)?.label ?? ''}? What was copied is kept. y: yes, any other key: no`, { bold: true });
  return state.notice === undefined ? EMPTY : line(state.notice, { bold: true });
}

const KEY_WIDTH = 11;

/** Two columns, so that all keys of a screen are seen at once. */
function viewHelp({ screen, list, size }: BrowseState): readonly Line[] {
  const hints = [...screenKeys[screen], ...movementKeys];
  const width = Math.floor(size.columns / 2);
  const cells = hints.map(([key, does]) => line(`  ${key.padEnd(KEY_WIDTH)} ${does}`));
  const half = Math.ceil(cells.length / 2);
  const rows = cells.slice(0, half).map((left, at) => [...fitLine(left, width), ...(cells[half + at] ?? [])]);
  const leftOut = screen === 'list' ? list.leftOut.slice(0, LEFT_OUT_MAX) : [];
  return [...rows, EMPTY, ...leftOut.map((problem) => line(`  left out: ${problem}`)), line('  Any key goes back.')];
}
/** The list command tells them all. */
const LEFT_OUT_MAX = 4;

/** A window that is too small to draw in is told what is there in plain lines; what goes on is not held up by it. */
function viewSmall(state: BrowseState): readonly Line[] {
  const { columns, rows } = state.size;
  const told = `The window has ${columns}x${rows}, the full screen needs ${SIZE_MIN.columns}x${SIZE_MIN.rows}. Make it larger, or press q to leave.`;
  const asked = viewNotice(state);
  return [
    ...(asked.length > 0 ? [asked] : []),
    ...[told, ...tellJobs(state.jobs)].flatMap((text) => wrapText(text, Math.max(1, columns))).map((text) => line(text)),
  ];
}

import { formatBytes } from '@hypersdk/domain';
import { describeBootVerdict } from '../../boot/describe-boot-verdict.ts';
import type { FinishedExport } from '../../export/describe-export.ts';
import { describeReadBack } from '../../output/describe-read-back.ts';
import { printable } from '../../output/printable.ts';
import { shellWord } from '../../output/shell-word.ts';
import { formatDuration } from '../../progress/format-progress.ts';
import { describeProgress, renderProgress, type ProgressLine } from '../../progress/render-progress.ts';
import type { Canvas } from '../list/view-list.ts';
import { EMPTY, fitLine, fitRows, line, wrapText, type Line } from '../widgets/line.ts';
import { inSight } from '../widgets/scroll.ts';
import { fractionOf, jobUnder, totalOf, type Job, type JobsState } from './jobs-state.ts';

const MARK_WIDTH = 2;
const DETAILS_SHARE = 0.45;

/** Rows that the jobs have on a canvas. */
export const jobRows = ({ rows }: Pick<Canvas, 'rows'>): number => Math.max(1, Math.floor(rows * (1 - DETAILS_SHARE)) - 2);

/** Every export with its progress, all of them together, and what is to be known of the one under the cursor. */
export function viewJobs(state: JobsState, canvas: Canvas): readonly Line[] {
  const shown = inSight(state.jobs, { cursor: state.cursor, rows: jobRows(canvas) });
  const canvasOfLines = { ...canvas, columns: canvas.columns - MARK_WIDTH, rows: shown.length + 3 };
  const drawn = renderProgress(
    shown.map(([job]) => toProgressLine(job)),
    totalOf(state.jobs),
    canvasOfLines,
  );
  const rows = shown.map(([job, at], index) => viewJob(job, { text: drawn[index] ?? '', isUnder: at === state.cursor, columns: canvas.columns }));
  const under = jobUnder(state);
  return fitRows(
    [...rows, EMPTY, line(`  ${drawn.at(-1) ?? ''}`, { bold: true }), EMPTY, ...(under ? viewDetails(under, canvas.columns) : [])],
    canvas.rows,
  );
}

/** For a window that is too small to draw in. */
export const tellJobs = ({ jobs }: JobsState): readonly string[] =>
  [...jobs.map(toProgressLine), ...(jobs.length > 1 ? [totalOf(jobs)] : [])].map(describeProgress);

const NOTHING = { speed: undefined, remainingMs: undefined, stalledMs: 0 } as const;

const toProgressLine = (job: Job): ProgressLine => ({
  label: printable(job.label),
  stage: job.state === 'running' ? (job.progress?.stage ?? 'starting') : job.state,
  fraction: fractionOf(job),
  estimate: job.state === 'running' ? (job.progress?.estimate ?? NOTHING) : NOTHING,
});

const COLORS: Readonly<Partial<Record<Job['state'], 'green' | 'red' | 'yellow'>>> = {
  done: 'green',
  failed: 'red',
  paused: 'yellow',
  cancelled: 'yellow',
};

function viewJob(job: Job, { text, isUnder, columns }: { readonly text: string; readonly isUnder: boolean; readonly columns: number }): Line {
  const color = COLORS[job.state];
  const row = line(`${isUnder ? '> ' : '  '}${text}`, color === undefined ? {} : { color });
  return isUnder ? fitLine(row, columns, { inverse: true }) : row;
}

function viewDetails(job: Job, columns: number): readonly Line[] {
  const rows = tellJob(job).flatMap((text) => wrapText(text, columns - 4));
  return [line(`  ${job.label}`, { bold: true }), ...rows.map((text) => line(`    ${text}`))];
}

/** What a person wants to know of one export: where it is, by what it is proven; or what went wrong, and how it goes on. */
function tellJob({ state, end, order }: Job): readonly string[] {
  if (state === 'waiting') return ['waits for its turn.'];
  if (state === 'pausing' || state === 'cancelling') return ['stopping at a checkpoint …'];
  if (!end || state === 'running') return [`hyperexport ${order.line.map(shellWord).join(' ')}`];
  if (end.kind === 'done') return end.finished.flatMap(tellFinished);
  const goesOn = end.resume === undefined ? [] : [`It also goes on with: hyperexport resume ${end.resume}`];
  if (end.kind === 'failed') return [end.problem, ...(end.canGoOn ? ['Press r to try again.', ...goesOn] : [])];
  return [`${state}: what was copied is kept. Press r to go on.`, ...goesOn];
}

function tellFinished({ outcome, folder, elapsedMs, boot }: FinishedExport): readonly string[] {
  const { manifest, receipts, warnings } = outcome;
  const checked = receipts.reduce((sum, receipt) => sum + receipt.body.verification.leavesChecked, 0);
  const dataRead = outcome.disks.reduce((sum, disk) => sum + disk.dataRead, 0);
  return [
    `exported and proven: ${formatBytes(dataRead)} in ${formatDuration(elapsedMs)}, read back ${describeReadBack(receipts[0]?.body.verification.percent ?? 0, checked)}`,
    `folder ${folder}`,
    ...manifest.receipts.map((receipt) => `receipt ${folder}/${receipt}`),
    ...(boot === undefined ? [] : [`boot ${describeBootVerdict(boot.verdict)}`]),
    `verify with: hyperexport verify ${shellWord(folder)}`,
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
}

import type { Estimate } from './eta.ts';
import { clip, displayWidth, pad } from '../output/printable.ts';
import { drawBar, formatPercent, formatRemaining, formatSpeed } from './format-progress.ts';

/** One line of the display. */
export interface ProgressLine {
  readonly label: string;
  readonly stage: string;
  readonly fraction: number;
  readonly estimate: Estimate;
}

export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly unicode: boolean;
}

const LABEL_MAX = 22;
const STAGE_WIDTH = 10;
const PERCENT_WIDTH = 4;
const SPEED_WIDTH = 10;
const REMAINING_WIDTH = 13;
const BAR_MIN = 6;
const BAR_MAX = 40;

/** The lines to draw, each short enough for the window and never more than fit; disks that wait are left out first. */
export function renderProgress(lines: readonly ProgressLine[], total: ProgressLine | undefined, canvas: Canvas): readonly string[] {
  const room = Math.max(1, canvas.rows - 1 - (total ? 1 : 0));
  const shown = lines.length <= room ? lines : mostTelling(lines, Math.max(1, room - 1));
  const hidden = lines.length - shown.length;
  const labelWidth = Math.min(LABEL_MAX, Math.max(...[...shown, ...(total ? [total] : [])].map((line) => displayWidth(line.label))));
  return [
    ...shown.map((line) => renderLine(line, { ...canvas, labelWidth })),
    ...(hidden > 0 ? [clip(`and ${hidden} more`, canvas.columns - 1)] : []),
    ...(total ? [renderLine(total, { ...canvas, labelWidth })] : []),
  ];
}

/** For people who hear the screen, logs and pipes: a sentence without drawings. */
export function describeProgress(line: ProgressLine): string {
  if (isQuiet(line)) return `${line.label}: ${line.stage} ${formatPercent(line.fraction)}`;
  const speed = line.estimate.speed === undefined ? '' : `, ${formatSpeed(line.estimate.speed)}`;
  const remaining = formatRemaining(line.estimate);
  return `${line.label}: ${line.stage} ${formatPercent(line.fraction)}${speed}${remaining === '…' ? '' : `, ${remaining}`}`;
}

function renderLine(line: ProgressLine, o: Canvas & { readonly labelWidth: number }): string {
  const width = o.columns - 1;
  const label = pad(clip(line.label, o.labelWidth), { width: o.labelWidth, align: 'left' });
  const percent = formatPercent(line.fraction).padStart(PERCENT_WIDTH);
  const speed = (isQuiet(line) ? '' : formatSpeed(line.estimate.speed)).padStart(SPEED_WIDTH);
  const remaining = (isQuiet(line) ? '' : formatRemaining(line.estimate)).padStart(REMAINING_WIDTH);
  const stage = line.stage.padEnd(STAGE_WIDTH);
  const used = [label, stage, percent, speed, remaining].reduce((sum, part) => sum + displayWidth(part) + 1, 0);
  const barWidth = Math.min(BAR_MAX, width - used);
  if (barWidth >= BAR_MIN)
    return clip([label, stage, drawBar(line.fraction, { width: barWidth, unicode: o.unicode }), percent, speed, remaining].join(' '), width);
  if (used - 1 <= width) return [label, stage, percent, speed, remaining].join(' ');
  return clip([clip(line.label, Math.max(4, width - PERCENT_WIDTH - REMAINING_WIDTH - 2)), percent.trim(), remaining.trim()].join(' '), width);
}

/** Nothing goes on there, so there is no speed and no time left to tell. */
const isQuiet = (line: ProgressLine): boolean => QUIET_STAGES.has(line.stage) || line.fraction === 1;
const QUIET_STAGES: ReadonlySet<string> = new Set(['waiting', 'paused', 'cancelled', 'failed', 'done']);

/** Running ones first, keeping their order. */
function mostTelling(lines: readonly ProgressLine[], count: number): readonly ProgressLine[] {
  const chosen = new Set([...lines.filter((line) => !isQuiet(line)), ...lines.filter(isQuiet)].slice(0, count));
  return lines.filter((line) => chosen.has(line));
}

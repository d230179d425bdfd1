import type { Terminal } from '../terminal.ts';
import { clip, displayWidth } from '../output/printable.ts';
import { describeProgress, renderProgress, type ProgressLine } from './render-progress.ts';

/** Shows progress until disposed; disposal leaves the terminal as it was found. */
export interface ProgressDisplay extends Disposable {
  show(frame: ProgressFrame): void;
}

/** All there is to show at one moment. */
interface ProgressFrame {
  readonly lines: readonly ProgressLine[];
  readonly total?: ProgressLine;
  /** A sentence to the person who watches. */
  readonly note?: string;
  readonly atMs: number;
}

export const silentDisplay: ProgressDisplay = { show: () => undefined, [Symbol.dispose]: () => undefined };

// ECMA-48: cursor up, erase to the end of the screen; DEC private mode 25: cursor hidden and shown.
const up = (rows: number): string => (rows > 0 ? `\u001B[${rows}A` : '');
const ERASE_BELOW = '\u001B[J';
const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';

/** Redraws in place on standard error. */
export function liveDisplay(terminal: Terminal): ProgressDisplay {
  let drawn: readonly string[] = [];
  // A narrower window wraps what is already there, so the old lines are measured anew with its width.
  const back = (): string => `\r${up(rowsTaken(drawn, terminal.columns()))}${ERASE_BELOW}`;
  const restore = (): void => terminal.err(SHOW_CURSOR);
  const watching = terminal.onResize(() => terminal.err(back() + frame(drawn.map((line) => clip(line, terminal.columns() - 1)))));
  const frame = (lines: readonly string[]): string => {
    drawn = lines;
    return lines.map((line) => `${line}\n`).join('');
  };
  // The second Ctrl-C ends the process without unwinding.
  process.once('exit', restore);
  terminal.err(HIDE_CURSOR);
  return {
    show({ lines, total, note }) {
      const canvas = { columns: terminal.columns(), rows: terminal.rows() - (note ? 1 : 0), unicode: terminal.unicode };
      terminal.err(back() + frame([...renderProgress(lines, total, canvas), ...(note ? [clip(note, canvas.columns - 1)] : [])]));
    },
    [Symbol.dispose]() {
      process.off('exit', restore);
      watching[Symbol.dispose]();
      terminal.err(back());
      drawn = [];
      restore();
    },
  };
}

const PLAIN_EVERY_MS = 5_000;

/** A line for each disk every few seconds and at every change of stage: for logs, pipes and screen readers. */
export function plainDisplay(terminal: Terminal): ProgressDisplay {
  const told = new Map<string, { readonly stage: string; readonly atMs: number }>();
  let noted: string | undefined;
  return {
    show({ lines, total, note, atMs }) {
      if (note !== noted && note) terminal.err(`${note}\n`);
      noted = note;
      for (const line of total ? [...lines, total] : lines) {
        const before = told.get(line.label);
        if (line.stage === 'waiting' || (before?.stage === line.stage && (line.stage === 'done' || atMs - before.atMs < PLAIN_EVERY_MS))) continue;
        told.set(line.label, { stage: line.stage, atMs });
        terminal.err(`${describeProgress(line)}\n`);
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** Rows that lines fill in a window `columns` wide. */
export const rowsTaken = (lines: readonly string[], columns: number): number =>
  lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(displayWidth(line) / Math.max(1, columns))), 0);

import type { Environment } from '../config.ts';

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/** Smaller than this there is nothing to see: the rest goes on, told in plain lines. */
export const SIZE_MIN: WindowSize = { columns: 80, rows: 24 };
export const isTooSmall = ({ columns, rows }: WindowSize): boolean => columns < SIZE_MIN.columns || rows < SIZE_MIN.rows;

export const windowSize = (): WindowSize => ({ columns: process.stdout.columns || SIZE_MIN.columns, rows: process.stdout.rows || SIZE_MIN.rows });

/** Whether rows can be drawn over each other: bare consoles say that their width is 0, and dumb terminals have no cursor to move. */
export const canDraw = (env: Environment): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && process.stdout.columns > 0 && env['TERM'] !== 'dumb';

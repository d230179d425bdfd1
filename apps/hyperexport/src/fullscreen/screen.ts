import type { Line } from './widgets/line.ts';
import type { Key } from './widgets/key.ts';
import type { WindowSize } from './browse-state.ts';

/** What a full screen is drawn on, until disposed; disposal leaves the terminal as it was found. */
export interface Screen extends AsyncDisposable {
  draw(rows: readonly Line[]): void;
  /** Gives the terminal back while `away` goes on, then draws all of it anew. */
  leaveFor(away: () => Promise<void>): Promise<void>;
}

export interface ScreenEvents {
  onKey(key: Key): void;
  onResize(size: WindowSize): void;
}

export const windowSize = (): WindowSize => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 });

/** Whether rows can be drawn over each other: bare consoles say that their width is 0, and dumb terminals have no cursor to move. */
export const canDraw = (env: Readonly<Record<string, string | undefined>>): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && process.stdout.columns > 0 && env['TERM'] !== 'dumb';

import type { Line } from './widgets/line.ts';
import type { Key } from './widgets/key.ts';
import type { WindowSize } from './window.ts';

/** What a full screen is drawn on, until disposed; disposal leaves the terminal as it was found. */
export interface Screen extends AsyncDisposable {
  draw(rows: readonly Line[]): void;
  /** Gives the terminal back while `away` goes on, then draws all of it anew. A second wish meanwhile changes nothing. */
  leaveFor(away: () => Promise<void>): Promise<void>;
}

export interface ScreenEvents {
  onKey(key: Key): void;
  onResize(size: WindowSize): void;
}

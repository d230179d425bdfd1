import type { EffectJournal } from './effect-journal.ts';

/** For whom a session may make things at the source. Without it, a session only looks. */
export interface SourceWork {
  /** Goes into the name of whatever is made: letters and digits. */
  readonly run: string;
  readonly effects: EffectJournal;
  /** Whether a run still goes on, here or on another machine, so that what it made is in use. */
  isRunning(run: string): boolean;
  /** Takes over what a dead run made, which counts as in use from now on until the end of this one. */
  takeOver(run: string): void;
}

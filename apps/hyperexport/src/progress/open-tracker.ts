import type { Clock } from '@hypersdk/ports';
import type { ProgressFlags } from '../flags/output-flags.ts';
import type { Stop } from '../stop.ts';
import type { Terminal } from '../terminal.ts';
import { liveDisplay, plainDisplay, silentDisplay, type ProgressDisplay } from './progress-display.ts';
import { ProgressTracker } from './progress-tracker.ts';

/** The display that suits the terminal and the flags, ready to be told of disks. */
export function openTracker(
  terminal: Terminal,
  o: { readonly flags: ProgressFlags; readonly clock: Clock; readonly verifyPercent: number; readonly stop: Stop; readonly stopping?: string },
): ProgressTracker {
  const tracker = new ProgressTracker(displayFor(terminal, o.flags), o);
  o.stop.onStop(() => tracker.note(o.stopping ?? 'Stopping at a checkpoint; Ctrl-C again ends at once.'));
  return tracker;
}

function displayFor(terminal: Terminal, flags: ProgressFlags): ProgressDisplay {
  if (flags.quiet) return silentDisplay;
  return terminal.canRedraw && !flags.plain ? liveDisplay(terminal) : plainDisplay(terminal);
}

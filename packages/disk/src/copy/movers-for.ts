import type { DiskSource } from '../locator/disk-source.ts';
import type { RunOptions } from './crew.ts';

/** Each mover brings a connection of its own; servers count those, and more of them than this only share the same line. */
const REMOTE_MOVER_MAX = 4;

/** How many movers may read these disks at once. */
export function moversFor(...disks: readonly DiskSource[]): Pick<RunOptions, 'movers'> {
  if (disks.some(({ isSingle }) => isSingle)) return { movers: 'here' };
  return disks.some(({ mark }) => mark !== undefined) ? { movers: REMOTE_MOVER_MAX } : {};
}

import type { DiskSource } from '../locator/disk-source.ts';
import type { RunOptions } from './crew.ts';

/**
 * Movers beside the one that shares the connection which is there already. Each brings a connection of its own; servers count those, and more of them only share the
 * same line. A server that turns some of them away is read by the others.
 */
const FURTHER_MOVERS_MAX = 3;

/** How many movers may read these disks at once. */
export function moversFor(...disks: readonly DiskSource[]): Pick<RunOptions, 'movers'> {
  if (disks.some(({ isSingle }) => isSingle)) return { movers: { hereAnd: 0 } };
  return disks.some(({ mark }) => mark !== undefined) ? { movers: { hereAnd: FURTHER_MOVERS_MAX } } : {};
}

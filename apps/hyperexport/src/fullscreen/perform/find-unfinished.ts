import { resolve } from 'node:path';
import type { Cancel, HistoryEntry } from '@hypersdk/ports';
import { HISTORY_MAX } from '../../flags/limits.ts';
import { canGoOn } from '../../run-id.ts';
import type { Services } from '../../services.ts';

/** Exports that did not end, that nobody is at, and that can go on: to this target, or to any when none is named. Newest first. */
export async function findUnfinished(
  services: Pick<Services, 'history' | 'runs'>,
  o: Cancel & { readonly target?: string },
): Promise<readonly HistoryEntry[]> {
  const history = await services.history();
  const entries = await history.list({ signal: o.signal, limit: HISTORY_MAX });
  const target = o.target === undefined ? undefined : resolve(o.target);
  return entries.filter(
    (entry) =>
      entry.command === 'export' &&
      canGoOn(entry) &&
      (target === undefined || entry.target === target) &&
      !(entry.state === 'running' && services.runs.isHeld(entry.id)),
  );
}

import type { Cancel } from '@hypersdk/ports';
import { toHyperError } from '../../output/error-report.ts';
import type { BrowseEvent } from '../browse-state.ts';

/** Runs one task at a time of its kind: a newer one calls the older off, and only the newest is answered. */
export function latestOnly({ signal }: Cancel, tell: (event: BrowseEvent) => void): (task: (o: Cancel) => Promise<BrowseEvent>) => void {
  let current = new AbortController();
  return (task) => {
    current.abort();
    const mine = new AbortController();
    current = mine;
    task({ signal: AbortSignal.any([signal, mine.signal]) }).then(
      (event) => {
        if (event.kind === 'looked' || !mine.signal.aborted) tell(event);
      },
      (thrown: unknown) => {
        if (!mine.signal.aborted && !signal.aborted) tell({ kind: 'told', text: toHyperError(thrown).message });
      },
    );
  };
}

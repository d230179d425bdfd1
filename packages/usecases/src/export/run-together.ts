import type { Cancel } from '@hypersdk/ports';

/**
 * Works on at most `width` items at a time and answers in their order. The first failure calls the others off, waits until they have
 * settled (so that each can keep its checkpoint), and is what is thrown.
 */
export async function runTogether<Item, Result>(
  items: readonly Item[],
  o: Cancel & { readonly width: number },
  work: (item: Item, index: number, o: Cancel) => Promise<Result>,
): Promise<readonly Result[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([o.signal, stop.signal]);
  const results = new Map<number, Result>();
  const failures: unknown[] = [];
  const queue = items.entries();

  const takeItems = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (signal.aborted) return;
      try {
        results.set(index, await work(item, index, { signal }));
      } catch (error) {
        failures.push(error);
        stop.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(o.width, items.length) }, takeItems));

  if (failures.length > 0) throw failures[0];
  o.signal.throwIfAborted();
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
}

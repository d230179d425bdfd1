import type { Cancel } from '@hypersdk/ports';

/** Looks once for all who ask. A failed look is not remembered. */
export function remember<T>(look: (o: Cancel) => Promise<T>): (o: Cancel) => Promise<T> {
  let found: Promise<T> | undefined;
  return async (o) => {
    o.signal.throwIfAborted();
    found ??= look(o).catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return await found;
  };
}

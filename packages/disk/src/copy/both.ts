type Work<Result> = (signal: AbortSignal) => Promise<Result>;

/**
 * Works on two things at once. The first failure calls the other off, and is what is thrown once both have ended: nothing reads on in files
 * that whoever failed is about to remove.
 */
export async function both<A, B>(signal: AbortSignal, works: readonly [Work<A>, Work<B>]): Promise<readonly [A, B]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const start = <Result>(work: Work<Result>): Promise<Result> =>
    work(either).catch((error: unknown) => {
      stop.abort(error);
      throw error;
    });
  const [a, b] = await Promise.allSettled([start(works[0]), start(works[1])]);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  signal.throwIfAborted();
  throw stop.signal.reason;
}

import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';

export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Whether a person asked to stop, from now until this is disposed. */
export function listenForStop(): Cancel & Disposable {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new HyperError('transfer/cancelled', 'Stopped as asked.'));
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const signal of STOP_SIGNALS) process.off(signal, stop);
    },
  };
}

import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';

const STOPPED_EXIT = 130;
// A terminal sends Ctrl-C to the launcher too, which passes it on: two signals this close together are one wish.
const SAME_WISH_MS = 250;
const PARENT_CHECK_MS = 500;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Whether a person asked to stop. Signals are taken over from Node until this is disposed, and to the end once one came. */
export interface Stop extends Cancel, Disposable {
  /** Called once, at the first wish. */
  onStop(told: () => void): void;
}

/** The first signal asks for a checkpoint and an orderly end, the second ends the process at once. */
export function listenForStop(env: Readonly<Record<string, string | undefined>> = process.env): Stop {
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  const stop = (): void => {
    const now = performance.now();
    if (firstAtMs === undefined) {
      firstAtMs = now;
      controller.abort(new HyperError('transfer/cancelled', 'Stopped as asked'));
      return;
    }
    if (now - firstAtMs > SAME_WISH_MS) process.exit(STOPPED_EXIT);
  };
  for (const name of STOP_SIGNALS) process.on(name, stop);
  const watch = watchLauncher(env['HYPERSDK_LAUNCHER'], () => controller.signal.aborted || stop());
  return {
    signal: controller.signal,
    onStop: (told) => controller.signal.addEventListener('abort', told, { once: true }),
    [Symbol.dispose]() {
      clearInterval(watch);
      // What is still to be closed after a stop must not be killed halfway by the next signal without a word.
      if (!controller.signal.aborted) for (const name of STOP_SIGNALS) process.off(name, stop);
    },
  };
}

/** A launcher that was killed cannot pass anything on; its end is taken for the wish to stop. */
function watchLauncher(launcher: string | undefined, gone: () => void): NodeJS.Timeout | undefined {
  if (launcher !== String(process.ppid)) return undefined;
  return setInterval(() => process.ppid === Number(launcher) || gone(), PARENT_CHECK_MS).unref();
}

import type { Surroundings } from './running-copy.ts';

interface Moment {
  readonly call: string;
  readonly count: number;
  /** What the call is made on. */
  readonly on: string;
  readonly cache: string;
}

/** Kills the copy when any of its threads is about to make the n-th call of this name on something in the target. */
export const killedAt = ({ call, count, on, cache }: Moment): Surroundings => ({
  cache,
  under: ['strace', '-f', '-qq', '-o', '/dev/null', '-P', on, '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${count}`],
});

import type { BootAttempt, BootVerdict } from '@hypersdk/domain';
import type { BootMachine, BootObservation, BootProver, Cancel } from '@hypersdk/ports';
import { describeUndecided, judgeBoot, type WatchedBoot } from './judge-boot.ts';

export interface WatchOptions extends Cancel {
  /** Milliseconds of the guest's time. */
  readonly timeLimitMs: number;
  readonly expect: readonly string[];
  readonly onObservation?: (observation: BootObservation) => void;
}

export interface WatchedAttempt {
  readonly attempt: BootAttempt;
  readonly last: BootObservation | undefined;
}

/** Starts the guest once and watches it until there is a verdict or the time is over. */
export async function watchBoot(prover: BootProver, machine: BootMachine, o: WatchOptions): Promise<WatchedAttempt> {
  let watched: WatchedBoot | undefined;
  let movedAt = 0;
  let verdict: BootVerdict | undefined;
  for await (const now of prover.boot(machine, o)) {
    const before = watched?.now;
    if (before === undefined || hasMoved(before, now)) movedAt = now.elapsedMs;
    const pictures = (watched?.pictures ?? 0) + (before !== undefined && hasNewPicture(before, now) ? 1 : 0);
    watched = { now, stillMs: now.elapsedMs - movedAt, pictures, expect: o.expect };
    o.onObservation?.(now);
    verdict = judgeBoot(watched);
    if (verdict !== undefined || now.elapsedMs >= o.timeLimitMs) break;
  }
  const { firmware, controller, accelerator, memory, cpus } = machine;
  return {
    last: watched?.now,
    attempt: {
      firmware,
      controller,
      accelerator,
      memory,
      cpus,
      verdict: verdict ?? { kind: 'unclear', reason: watched === undefined ? 'The guest showed nothing.' : describeUndecided(watched) },
      elapsedMs: Math.round(watched?.now.elapsedMs ?? 0),
      bytesRead: watched?.now.bytesRead ?? 0,
      pictures: watched?.pictures ?? 0,
    },
  };
}

const hasMoved = (before: BootObservation, now: BootObservation): boolean =>
  before.bytesRead !== now.bytesRead ||
  before.bytesWritten !== now.bytesWritten ||
  before.resets !== now.resets ||
  before.serial.length !== now.serial.length ||
  hasNewPicture(before, now);

/** A cursor that blinks in text mode is no news; there the text itself is compared. */
function hasNewPicture(before: BootObservation, now: BootObservation): boolean {
  if (before.text !== undefined && now.text !== undefined) return before.text.join('\n') !== now.text.join('\n');
  return before.screen?.digest !== now.screen?.digest;
}

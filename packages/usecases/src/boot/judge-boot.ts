import { formatBytes, MIB, type BootVerdict } from '@hypersdk/domain';
import type { BootObservation } from '@hypersdk/ports';
import { bootedSigns, failureSigns, handedOver, nothingToStart, refusedByUefi } from './boot-signs.ts';

export interface WatchedBoot {
  readonly now: BootObservation;
  /** Milliseconds for which the guest has shown, read and written nothing new. */
  readonly stillMs: number;
  readonly pictures: number;
  /** Texts that prove the boot when one of them is seen; with any of them, nothing else does. */
  readonly expect: readonly string[];
}

/** A boot loader under emulation on a busy machine pauses for seconds, not for as long as this. */
const STILL_MS = 20_000;
/** Firmware and a boot sector read some KiB; a loader that works has read its kernel. */
const FIRMWARE_READS = MIB;
/** Updates restart a system once or twice on its first boot. */
const RESETS_MAX = 4;

/** The verdict as soon as there is one: signs of failure outweigh signs of success, because a system that fails may have greeted before. */
export function judgeBoot(watched: WatchedBoot): BootVerdict | undefined {
  const text = readable(watched.now);
  return judgeText(text, watched.expect) ?? judgeFirmware(text) ?? judgeCourse(watched, text);
}

/** What can be said when there is no time left. */
export function describeUndecided({ now, stillMs, pictures }: WatchedBoot): string {
  const picture = now.screen === undefined || now.screen.isBlank ? 'a blank screen' : `a picture that changed ${times(pictures)}`;
  const pace = stillMs < STILL_MS ? 'still at work' : `still for ${Math.round(stillMs / 1000)} s`;
  return `After ${Math.round(now.elapsedMs / 1000)} s there was no sign of success or failure: ${formatBytes(now.bytesRead)} read, ${picture}, ${pace}.`;
}

function judgeText(text: string, expect: readonly string[]): BootVerdict | undefined {
  for (const [reason, pattern] of failureSigns) {
    const sign = find(text, pattern);
    if (sign !== undefined) return { kind: 'failed', reason, sign };
  }
  const expected = expect.find((wanted) => text.includes(wanted));
  if (expected !== undefined) return { kind: 'booted', sign: expected };
  if (expect.length > 0) return undefined;
  const sign = findAny(text, bootedSigns);
  return sign === undefined ? undefined : { kind: 'booted', sign };
}

function judgeFirmware(text: string): BootVerdict | undefined {
  const nothing = findAny(text, nothingToStart);
  if (nothing === undefined) return undefined;
  const refused = find(text, refusedByUefi);
  return refused === undefined
    ? { kind: 'failed', reason: 'no-boot-device', sign: nothing }
    : { kind: 'failed', reason: 'damaged-loader', sign: refused };
}

function judgeCourse({ now, stillMs }: WatchedBoot, text: string): BootVerdict | undefined {
  const isEarly = now.bytesRead < FIRMWARE_READS;
  if (now.resets >= RESETS_MAX) {
    const sign = `The guest started over ${times(now.resets)}, having read ${formatBytes(now.bytesRead)}.`;
    return { kind: 'failed', reason: isEarly ? 'damaged-loader' : 'reset-loop', sign };
  }
  if (isEarly && stillMs >= STILL_MS && handedOver.test(text))
    return { kind: 'failed', reason: 'damaged-loader', sign: 'The boot sector was started and did nothing.' };
  if (now.state === 'off') return { kind: 'unclear', reason: 'The guest switched itself off before it showed that it was up.' };
  if (now.state === 'broken') return { kind: 'unclear', reason: `The emulator ended by itself: ${now.why ?? 'it said nothing'}` };
  return undefined;
}

// Cursor movements and colours (ECMA-48) would stand between the words; a line may be written over from its beginning.
const ESCAPES = /\u001B(?:\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|[=>78cDEHM])/g;

/** What the guest said, without what steers a terminal. */
function readable({ serial, text }: BootObservation): string {
  const said = new TextDecoder()
    .decode(serial)
    .replaceAll(ESCAPES, '')
    .replaceAll(/\r+\n?/g, '\n');
  return text === undefined ? said : `${said}\n${text.join('\n')}`;
}

const SIGN_LENGTH_MAX = 200;

const find = (text: string, pattern: RegExp): string | undefined => pattern.exec(text)?.[0].trim().slice(0, SIGN_LENGTH_MAX);

function findAny(text: string, patterns: readonly RegExp[]): string | undefined {
  for (const pattern of patterns) {
    const sign = find(text, pattern);
    if (sign !== undefined) return sign;
  }
  return undefined;
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

import { lookAtGuest } from '../packages/disk/src/guest/look-at-guest.ts';
import { PatchedDisk } from '../packages/disk/src/guest/hostile-disk.ts';
import { damageGuest } from './damage-guest.ts';
import type { GuestSeed } from './guest-seeds.ts';
import type { Random } from './random.ts';

/** What a look may answer at most, as JSON: a disk that says more of itself would fill a catalogue. */
const ANSWER_SIZE_MAX = 256 * 1024;
/** The look is to end by its other limits; this one would hide that it did not. */
const TIME_MS = 60_000;

/** Looks at a damaged disk. Anything thrown is a defect, and so is an answer that is too long; the rest is counted. */
export async function lookAtDamaged(seed: GuestSeed, random: Random): Promise<'whole' | 'broken'> {
  const disk = new PatchedDisk(seed.disk, damageGuest(seed.places, random));
  const look = await lookAtGuest(disk, { signal: new AbortController().signal, timeMs: TIME_MS });
  const answer = JSON.stringify(look);
  if (answer.length > ANSWER_SIZE_MAX) throw new Error(`The answer has ${answer.length} letters.`);
  for (const { place, size } of look.volumes) if (!Number.isSafeInteger(size) || size < 0) throw new Error(`${place} has a size of ${size}.`);
  return look.findings.length === 0 && look.complete ? 'whole' : 'broken';
}

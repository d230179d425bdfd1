import { lookAtGuest } from '../../packages/disk/src/guest/look-at-guest.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { mendGuest } from './mend-guest.ts';

/** What a look may answer at most, as JSON: a disk that says more of itself would fill a catalogue. */
const ANSWER_SIZE_MAX = 256 * 1024;
/** The look is to end by its other limits; this one would hide that it did not. */
const TIME_MS = 60_000;
const { signal } = new AbortController();

/** What lies on a disk: tables, file systems, LVM, LUKS, installed systems. Its seeds are disks of real programs and lie in the corpus. */
export const guestReader: FuzzReader = {
  changes: 'places',
  seeds: () => [],
  mend: mendGuest,
  execute: async ({ files: [file] }) => {
    if (!file) return;
    const disk = { virtualSize: file.size, read: (offset: number, into: Uint8Array) => file.read(offset, into) };
    const look = await lookAtGuest(disk, { signal, timeMs: TIME_MS });
    const answer = JSON.stringify(look);
    if (answer.length > ANSWER_SIZE_MAX) throw new Error(`The answer has ${answer.length} letters.`);
    for (const { place, size } of look.volumes) if (!Number.isSafeInteger(size) || size < 0) throw new Error(`${place} has a size of ${size}.`);
  },
};

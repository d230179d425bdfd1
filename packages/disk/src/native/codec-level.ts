import type { Codec } from './native.ts';

interface LevelRange {
  readonly min: number;
  readonly max: number;
  readonly usual: number;
}

/** The levels a codec takes, in the words of zlib and zstd. Every back end takes the same ones and maps them to its own. */
export const codecLevels = {
  'deflate-4k': { min: 1, max: 9, usual: 6 },
  zlib: { min: 1, max: 9, usual: 6 },
  zstd: { min: 1, max: 22, usual: 3 },
} as const satisfies Readonly<Record<Codec, LevelRange>>;

/** Callers check a user's choice against `codecLevels` first; a wrong level here is a defect. */
export function assertLevel(codec: Codec, level: number): void {
  const { min, max } = codecLevels[codec];
  if (!Number.isInteger(level) || level < min || level > max) throw new RangeError(`${codec} has the levels ${min} to ${max}, not ${level}.`);
}

/** More than any unit of an image format; lengths beyond it would not fit the 32-bit fields of the codecs. */
const UNIT_MAX = 1024 ** 3;

export function assertUnit(bytes: Uint8Array): void {
  if (bytes.length > UNIT_MAX) throw new RangeError(`A unit of ${bytes.length} bytes is more than the ${UNIT_MAX} that codecs take at once.`);
}

import type { RateLimit } from '../rate/rate-limit.ts';
import type { Compression } from './parsers.ts';

type FlagValue = string | number | boolean | readonly string[] | Compression | RateLimit | undefined;

/** Flags as they could have been typed, in one order, so that equal work has equal words. */
export function toArgs(flags: Readonly<Record<string, FlagValue>>): readonly string[] {
  return Object.entries(flags)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => toWords(`--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, value));
}

function toWords(flag: string, value: FlagValue): readonly string[] {
  if (value === undefined || value === false) return [];
  if (value === true) return [flag];
  if (typeof value === 'string' || typeof value === 'number') return [`${flag}=${value}`];
  if ('text' in value) return [`${flag}=${value.text}`];
  if ('compression' in value)
    return [`${flag}=${value.compressionLevel === undefined ? value.compression : `${value.compression}:${value.compressionLevel}`}`];
  return value.map((one) => `${flag}=${one}`);
}

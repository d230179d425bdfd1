import { parseBytes } from '@hypersdk/domain';

// What a parser throws is shown behind the flag's name and the text given, so these are halves of sentences.

/** `50M`, `1.5GiB`, `4096`: bytes, at least one. */
export function parseSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes < 1) throw new Error('it must be a size such as 512K, 50M or 1.5G.');
  return bytes;
}

/** A whole number between two bounds, both allowed. */
export const countParser =
  (bounds: { readonly min: number; readonly max: number }) =>
  (text: string): number => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(count >= bounds.min && count <= bounds.max)) throw new Error(`it must be a whole number from ${bounds.min} to ${bounds.max}.`);
    return count;
  };

/** `full` or `25%`: how much of a copy is read back. */
export function parsePercent(text: string): number {
  if (text === 'full') return 100;
  const match = /^(\d{1,3})%?$/.exec(text);
  const percent = Number(match?.[1]);
  if (!(percent >= 1 && percent <= 100)) throw new Error('it must be "full" or a percentage such as 10%.');
  return percent;
}

export interface Compression {
  readonly compression: 'none' | 'zlib' | 'zstd';
  readonly compressionLevel?: number;
}

// zlib knows 0 to 9 and zstd 1 to 22 (their manuals); 0 would store, which is what `none` is for.
const LEVEL_MAX = { zlib: 9, zstd: 22 } as const;

/** `none`, `zlib`, `zstd`, and with a level `zstd:3`. */
export function parseCompression(text: string): Compression {
  const match = /^(none|zlib|zstd)(?::(\d{1,2}))?$/.exec(text);
  const compression = match?.[1];
  if (compression === 'none' && match?.[2] === undefined) return { compression };
  if (compression !== 'zlib' && compression !== 'zstd') throw new Error('it must be none, zlib or zstd, with a level if you like: zstd:3.');
  if (match?.[2] === undefined) return { compression };
  const level = Number(match[2]);
  if (level < 1 || level > LEVEL_MAX[compression]) throw new Error(`the level must be from 1 to ${LEVEL_MAX[compression]}.`);
  return { compression, compressionLevel: level };
}

export const parseText = (text: string): string => {
  if (text === '') throw new Error('it must not be empty.');
  return text;
};

// RFC 3986 §3.1, and `://`, which no path of a careful person has.
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i;

export const isAddress = (text: string): boolean => ADDRESS.test(text);

/** A file or folder of this machine, for commands that read nothing else. */
export function parsePath(text: string): string {
  if (isAddress(text))
    throw new Error('it is an address, and this reads files and folders; export, convert, inspect, compare, serve and boot take addresses.');
  return parseText(text);
}

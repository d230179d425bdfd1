import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { ImageSettings } from '@hypersdk/ports';
import type { ChildOrder } from './running-copy.ts';

/** Each way of writing that has a layout of its own: in place, with tables in between, packed, as a stream. */
export const LAYOUTS: readonly ImageSettings[] = [
  { format: 'raw' },
  { format: 'qcow2' },
  { format: 'qcow2', compression: 'zstd' },
  { format: 'vmdk', subformat: 'streamOptimized' },
  { format: 'vmdk', subformat: 'monolithicSparse' },
];

/** Images that are several files. */
export const SETS: readonly ImageSettings[] = [
  { format: 'vmdk', subformat: 'twoGbMaxExtentSparse' },
  { format: 'vmdk', subformat: 'twoGbMaxExtentFlat' },
  { format: 'vmdk', subformat: 'monolithicFlat' },
];

export const describeSettings = ({ format, subformat, compression }: ImageSettings): string =>
  [format, subformat, compression].filter((part) => part !== undefined).join(' ');

/** A durable, proven copy of the raw disk at `source` to `path`. */
export const orderCopy = (source: string, path: string, settings: ImageSettings): ChildOrder => ({
  source: { kind: 'image', image: { path: source, format: 'raw', references: 'refuse' } },
  path,
  settings,
  digest: 'tree',
  durability: 'sync',
  verifyPercent: 100,
  overwrite: false,
  restart: false,
  workers: 2,
});

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

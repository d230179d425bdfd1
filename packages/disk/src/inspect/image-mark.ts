import { createHash } from 'node:crypto';
import { fstatSync, statSync, type BigIntStats } from 'node:fs';
import type { ByteRange } from '@hypersdk/domain';
import type { DiskImage } from '../format/disk-image.ts';

/**
 * Identifies the content of an image through the identity, length and time of last change of every file it reads from.
 * Any write through the file system changes it.
 */
export function imageMark(image: Pick<DiskImage, 'files'> & { readonly slice?: ByteRange }): string {
  const parts = image.files.flatMap((file) =>
    file.fd === undefined
      ? (file.paths ?? [file.path]).map((path) => describeStatus(statSync(path, { bigint: true })))
      : [describeStatus(fstatSync(file.fd, { bigint: true }))],
  );
  // Disks in one archive lie in one file.
  if (image.slice) parts.push(`slice:${image.slice.offset}:${image.slice.length}`);
  return `files:${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32)}`;
}

const describeStatus = (status: BigIntStats): string => [status.dev, status.ino, status.size, status.mtimeNs].join(':');

import type { ByteRange, Extent } from '@hypersdk/domain';
import type { DiskImage, FileRun } from '../disk-image.ts';

/** How much of a range the disk below has; it may be shorter than the one above. */
const lengthBelow = (parent: DiskImage | undefined, { offset, length }: ByteRange): number =>
  parent ? Math.min(length, Math.max(0, parent.virtualSize - offset)) : 0;

/** What a differencing disk does not hold itself: its parent's, or a hole. */
export function* extentsBelow(parent: DiskImage | undefined, range: ByteRange): Generator<Extent> {
  const length = lengthBelow(parent, range);
  if (parent && length > 0) yield* parent.extents({ offset: range.offset, length });
  if (length < range.length) yield { offset: range.offset + length, length: range.length - length, kind: 'hole' };
}

export function readBelow(parent: DiskImage | undefined, offset: number, into: Uint8Array): void {
  const length = lengthBelow(parent, { offset, length: into.length });
  if (parent && length > 0) parent.read(offset, into.subarray(0, length));
  into.fill(0, length);
}

export function locateBelow(parent: DiskImage | undefined, range: ByteRange): FileRun | undefined {
  const length = lengthBelow(parent, range);
  return length > 0 ? parent?.locate?.({ offset: range.offset, length }) : undefined;
}

import { HyperError, leafRange, MIB } from '@hypersdk/domain';
import type { DiskImage } from '../../format/disk-image.ts';
import { retryReads } from '../../stream/retry-reads.ts';
import type { WorkRing } from '../work-ring.ts';

/** Largest single read: bigger ones make page-cache copies slow and cancellation late (bench/RESULTS.md). */
const READ_SIZE = MIB;

export interface LeafReading {
  readonly image: DiskImage;
  readonly ring: WorkRing;
  /** Waits as long as a rate limit asks for, or until the ring is stopped; absent = no limit. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/** Fills `into` with the leaf, holes as zeros, and answers how many bytes of data it read. Zero means that the leaf holds none and `into` was not touched. */
export async function readLeaf(reading: LeafReading, leaf: number, into: Uint8Array): Promise<number> {
  const { image } = reading;
  const range = leafRange(leaf, image.virtualSize);
  let dataRead = 0;
  let zeroedTo = 0;
  for (const extent of image.extents(range)) {
    if (extent.kind !== 'data') continue;
    const start = extent.offset - range.offset;
    into.fill(0, zeroedTo, start);
    zeroedTo = start + extent.length;
    await readExtent(reading, extent.offset, into.subarray(start, zeroedTo));
    dataRead += extent.length;
  }
  if (dataRead > 0) into.fill(0, zeroedTo, range.length);
  return dataRead;
}

async function readExtent(reading: LeafReading, offset: number, into: Uint8Array): Promise<void> {
  for (let at = 0; at < into.length; at += READ_SIZE) {
    const piece = into.subarray(at, at + READ_SIZE);
    if (reading.pace) await reading.pace(piece.length);
    if (reading.ring.stopped) throw new HyperError('transfer/cancelled', 'The copy was stopped.');
    await retryReads(() => reading.image.read(offset + at, piece));
  }
}

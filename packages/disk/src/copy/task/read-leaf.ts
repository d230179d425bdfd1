import { endOf, HyperError, leafRange, MIB } from '@hypersdk/domain';
import type { DiskSource } from '../../locator/disk-source.ts';
import { retryReads } from '../../stream/retry-reads.ts';
import type { WorkRing } from '../work-ring.ts';

/** Largest single read: bigger ones make page-cache copies slow and cancellation late (bench/RESULTS.md). */
const READ_SIZE = MIB;

export interface LeafReading {
  readonly source: DiskSource;
  readonly ring: WorkRing;
  /** Waits as long as a rate limit asks for, or until the ring is stopped; absent = no limit. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/** Fills `into` with the leaf, holes as zeros, and answers how many bytes of data it read. Zero means that the leaf holds none and `into` was not touched. */
export async function readLeaf(reading: LeafReading, leaf: number, into: Uint8Array): Promise<number> {
  const { source } = reading;
  const range = leafRange(leaf, source.virtualSize);
  const underWay = new UnderWay();
  let dataRead = 0;
  let zeroedTo = 0;
  try {
    for (const extent of source.extents(range)) {
      if (extent instanceof Promise) {
        await extent;
        continue;
      }
      if (extent.kind !== 'data') continue;
      const start = extent.offset - range.offset;
      into.fill(0, zeroedTo, start);
      zeroedTo = start + extent.length;
      await readExtent(reading, { offset: extent.offset, into: into.subarray(start, zeroedTo), underWay });
      dataRead += extent.length;
    }
  } finally {
    await underWay.settle();
  }
  underWay.requireSuccess();
  if (dataRead > 0) into.fill(0, zeroedTo, range.length);
  return dataRead;
}

/** Puts what the source tells as data or zeros into a leaf that holds what was there before; holes stand for what did not change. Answers how many bytes of data it read. */
export async function readChanges(reading: LeafReading, leaf: number, content: Uint8Array): Promise<number> {
  const { source } = reading;
  const range = leafRange(leaf, source.virtualSize);
  const underWay = new UnderWay();
  let dataRead = 0;
  try {
    for (const extent of source.extents(range)) {
      if (extent instanceof Promise) {
        await extent;
        continue;
      }
      if (extent.kind === 'hole') continue;
      const into = content.subarray(extent.offset - range.offset, endOf(extent) - range.offset);
      if (extent.kind === 'zero') {
        into.fill(0);
        continue;
      }
      await readExtent(reading, { offset: extent.offset, into, underWay });
      dataRead += extent.length;
    }
  } finally {
    await underWay.settle();
  }
  underWay.requireSuccess();
  return dataRead;
}

/** Files answer each read at once. A remote disk is asked for all of the leaf before its first answer is waited for. */
async function readExtent(
  reading: LeafReading,
  o: { readonly offset: number; readonly into: Uint8Array; readonly underWay: UnderWay },
): Promise<void> {
  for (let at = 0; at < o.into.length; at += READ_SIZE) {
    const piece = o.into.subarray(at, at + READ_SIZE);
    if (reading.pace) await reading.pace(piece.length);
    if (reading.ring.stopped) throw new HyperError('transfer/cancelled', 'The copy was stopped.');
    const read = retryReads(() => reading.source.read(o.offset + at, piece));
    if (reading.source.files.length > 0) await read;
    else o.underWay.add(read);
  }
}

/** Reads into one buffer that were begun and not waited for. The buffer belongs to them until the last one has settled, also when one fails. */
class UnderWay {
  readonly #reads: Promise<void>[] = [];
  #failure: { readonly reason: unknown } | undefined;

  add(read: Promise<void>): void {
    this.#reads.push(
      read.catch((reason: unknown) => {
        this.#failure ??= { reason };
      }),
    );
  }

  async settle(): Promise<void> {
    if (this.#reads.length > 0) await Promise.all(this.#reads);
  }

  requireSuccess(): void {
    if (this.#failure) throw this.#failure.reason;
  }
}

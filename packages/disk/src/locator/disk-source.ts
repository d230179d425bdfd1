import type { ByteRange, Extent } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';
import type { FileRun } from '../format/disk-image.ts';

/** A source that must ask somebody else before it can tell more: the walk goes on when this settles. It never rejects: the next step fails instead. */
export type Pending = Promise<void>;

/** Gets a piece of a disk, which is the taker's until it returns. */
export type TakeAt = (offset: number, bytes: Uint8Array) => void;

/**
 * A disk behind a locator, as those see it who plan, read and compare leaves. An image in files answers at once, a remote disk when its server did;
 * both are walked and read by the same code, which waits only where there is something to wait for.
 */
export interface DiskSource extends Disposable {
  readonly virtualSize: number;
  /** Every file it reads from; none when it is remote. */
  readonly files: readonly ByteFile[];
  /** As for images. */
  readonly slice?: ByteRange;
  /** Tiles the range in order, clipped to it, lazily, with a `Pending` wherever the walk has to wait. `range` lies inside the disk. */
  extents(range: ByteRange): Iterable<Extent | Pending>;
  /** Fills `into` with disk content. Nothing is written to it once the promise has settled. Reads of a remote disk may run side by side. */
  read(offset: number, into: Uint8Array): void | Promise<void>;
  /**
   * Hands out the bytes of ranges, which do not overlap and are in order, piece by piece, in order, as they arrive: for those who need not see a leaf as a whole.
   * Nothing is taken any more once the promise has settled. What `take` throws ends it. Present where bytes come over a line just as the disk has them.
   */
  pass?(ranges: readonly ByteRange[], take: TakeAt): Promise<void>;
  /** As for images. */
  locate?(range: ByteRange): FileRun | undefined;
  /** Identifies the content of a disk that does not lie in files. */
  readonly mark?: string;
  /** All its reading has to be done by one mover on the thread that opened it first: its server takes one connection. */
  readonly isSingle?: boolean;
}

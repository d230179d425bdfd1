import type { ByteRange, Extent, ImageRef } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';
import type { NbdLocator } from './remote-disks.ts';
import type { HttpLocator } from './web-images.ts';

/**
 * A disk that can be read: an image, a network block device, a snapshot at a provider. All offsets and lengths are bytes.
 * Its content does not change while it is open; a source that cannot keep that promise fails with `source/changed`.
 */
export interface BlockSource extends AsyncDisposable {
  /** What the guest sees. */
  readonly virtualSize: number;

  /** Reads that start and end on a multiple of this are cheapest; any other read is answered too. */
  readonly blockAlign: number;

  /**
   * Tiles the range (default: the whole disk) in order, without gap or overlap, clipped to the range. Reads metadata only, lazily:
   * a caller that stops early pays only for what it saw. Neighbours of one kind may come separately.
   */
  extents(o: Cancel & { readonly range?: ByteRange }): AsyncIterable<Extent>;

  /** Fills `into` with the bytes at `offset`. A short read or one past the end is an error, never a shorter answer. May be called concurrently. Idempotent. */
  read(offset: number, into: Uint8Array, o: Cancel): Promise<void>;
}

/**
 * A disk that can be written once, from empty. What is never written reads as zeros. Calls are made one at a time.
 * `ordered` sinks refuse an offset below one they have already taken.
 */
export interface BlockSink extends AsyncDisposable {
  readonly virtualSize: number;
  readonly ordered: boolean;

  /** Takes the bytes; they may be re-used by the caller once the promise settles. Past the end is an error and changes nothing. */
  write(offset: number, bytes: Uint8Array, o: Cancel): Promise<void>;

  /** The range reads as zeros afterwards. Costs no data where the medium can say so. */
  zero(range: ByteRange, o: Cancel): Promise<void>;

  /** Everything taken so far survives a power cut once this settles. An ordered sink may except the last 4 MiB, which it gathers before it stores them. */
  flush(o: Cancel): Promise<void>;

  /** Writes tables and footers and flushes. The disk is complete and readable afterwards; nothing may be written any more. */
  finish(o: Cancel): Promise<void>;

  /** Gives up and removes what was made. Idempotent; also what disposal does when `finish` was not reached. */
  abort(): Promise<void>;
}

/** Plain data from which any thread or process can open the same source again. Each kind is opened by one module of `disk/locator`. */
export type BlockLocator = ImageLocator | NbdLocator | HttpLocator;

export interface ImageLocator {
  readonly kind: 'image';
  readonly image: ImageRef;
}

import type { ByteRange, Extent } from '@hypersdk/domain';

/**
 * A file read at explicit offsets, synchronously: format readers are plain functions over it and run on mover threads, never on an API thread.
 * All offsets are bytes.
 */
export interface ByteFile extends Disposable {
  /** For messages. */
  readonly path: string;
  /** All files that hold the bytes, where they are several. */
  readonly paths?: readonly string[];
  readonly size: number;
  /** Fills `into`. Reaching past the end is `image/malformed`: a table pointed there. */
  read(offset: number, into: Uint8Array): void;
  /** Data and holes as the file system knows them; one data extent when it cannot say. Clipped to the range, lazily. */
  extents(range: ByteRange): Iterable<Extent>;
  /** Descriptor for kernel-side copies, when the bytes are in a real file. */
  readonly fd?: number;
}

/** A file that a format writer fills. Positional, synchronous. */
export interface WritableFile {
  readonly path: string;
  /** What the files beside its own are to be called, when it stands for several: the image may have to name them. */
  readonly names?: readonly string[];
  read(offset: number, into: Uint8Array): void;
  write(offset: number, bytes: Uint8Array): void;
  truncate(size: number): void;
  /** Reserves blocks so that later writes cannot run out of space. `zeroed` also writes them. */
  allocate(range: ByteRange, mode: 'reserve' | 'zero'): void;
}

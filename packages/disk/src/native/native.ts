import type { ByteRange } from '@hypersdk/domain';

/** What the operating system knows and Node does not expose. Absent members do not exist on this machine; callers then do without. All calls are synchronous and take descriptors. */
export interface NativeFs {
  readonly name: string;
  /** Next offset at or after `offset` that holds data (`SEEK_DATA`), or undefined when only a hole follows. */
  readonly seekData?: (fd: number, offset: number) => number | undefined;
  /** Next offset at or after `offset` that lies in a hole (`SEEK_HOLE`); the end of the file counts as one. */
  readonly seekHole?: (fd: number, offset: number) => number;
  /** Copies inside the kernel (`copy_file_range`), sharing blocks where the file system can. Answers the bytes copied, which may be fewer; throws an error with `code` like Node's. */
  readonly copyRange?: (
    from: { readonly fd: number; readonly offset: number },
    to: { readonly fd: number; readonly offset: number },
    length: number,
  ) => number;
  /** Reserves blocks (`fallocate`). */
  readonly allocate?: (fd: number, range: ByteRange) => void;
  /** Makes the range a hole that reads as zeros (`fallocate PUNCH_HOLE`); `EOPNOTSUPP` where the file system cannot. */
  readonly punch?: (fd: number, range: ByteRange) => void;
  /** Makes the range read as zeros and keeps its blocks (`fallocate ZERO_RANGE`); `EOPNOTSUPP` where the file system cannot. */
  readonly zeroRange?: (fd: number, range: ByteRange) => void;
  /** Shares a lock on one byte with others that share it, until the descriptor is closed (`F_OFD_SETLK`). */
  readonly shareByte?: (fd: number, offset: number) => void;
  /** Whether somebody else, of this process too, holds a lock on one byte (`F_OFD_GETLK`). */
  readonly isByteHeld?: (fd: number, offset: number) => boolean;
  /** Tells the kernel that cached pages of the range are not needed (`posix_fadvise DONTNEED`); written pages must be synced first. */
  readonly dropCache?: (fd: number, range: ByteRange) => void;
  /** Starts writing dirty pages of the range back without waiting (`sync_file_range WRITE`). */
  readonly startWriteback?: (fd: number, range: ByteRange) => void;
  /** Renames, failing with `EEXIST` when the new name is taken (`renameat2 NOREPLACE`). */
  readonly renameNoReplace?: (from: string, to: string) => void;
}

/** One codec context: made once for a thread, used for every unit, disposed at the end. */
export interface Compressor extends Disposable {
  /** Most bytes that an input of `length` can take. */
  bound(length: number): number;
  /** Compresses `from` to `into` at `at`; answers the length, or 0 when it would not fit into the room left. Equal units give equal bytes, whatever came before. */
  compress(from: Uint8Array, into: Uint8Array, at: number): number;
  /**
   * The same for a unit that takes long, a part of it at each step, so that the caller can look around in between. One unit at a time;
   * one that is given up leaves the context as good as new. Absent where the library only takes whole units.
   */
  compressInSteps?(from: Uint8Array, into: Uint8Array, at: number): Generator<undefined, number>;
}

export interface Decompressor extends Disposable {
  /**
   * Decompresses exactly `into.length` bytes. `from` may carry padding after the end of the stream. Throws a plain Error when the stream is wrong or makes fewer or more bytes;
   * `into` then holds anything, but nothing outside it was touched. `from` may be hostile, `into` bounds the work and the memory.
   */
  decompress(from: Uint8Array, into: Uint8Array): void;
}

/** `deflate-4k`: raw deflate with a 4 KiB window (qcow2). `zlib`: with header and checksum, 32 KiB window (VMDK). `zstd`: one frame. */
export type Codec = 'deflate-4k' | 'zlib' | 'zstd';

export interface NativeCodecs {
  readonly name: string;
  /** `level` as zlib (1 to 9) or zstd (1 to 22) count; see `codecLevels`. */
  compressor(codec: Codec, level: number): Compressor;
  decompressor(codec: Codec): Decompressor;
}

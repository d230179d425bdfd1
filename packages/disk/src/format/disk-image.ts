import type { ByteRange, Extent, ImageFormat, ImageInfo, ReferencePolicy } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';

/** Where a run of the disk lies unchanged in a file, for kernel-side copies. */
export interface FileRun {
  readonly fd: number;
  readonly fileOffset: number;
  readonly length: number;
}

/**
 * An opened, inspected image. Synchronous: it lives on a mover thread. Memory stays bounded whatever the image claims;
 * tables are checked as they are read, and a wrong one is refused with its place in the file.
 */
export interface DiskImage extends Disposable {
  readonly format: ImageFormat;
  /** Bytes the guest sees. */
  readonly virtualSize: number;
  /** Allocation unit in bytes: cluster, grain; 4096 for raw. */
  readonly unitSize: number;
  /** Facts for `inspect`; `allocatedSize` is added by whoever walks the extents. */
  readonly info: Omit<ImageInfo, 'allocatedSize' | 'fileSize'>;
  /** Every file this image reads from, itself first. */
  readonly files: readonly ByteFile[];
  /** The part of the first file that is the image, when it is not all of it. */
  readonly slice?: ByteRange;
  /** Tiles the range in order, clipped to it, lazily. `range` lies inside the disk. */
  extents(range: ByteRange): Iterable<Extent>;
  /** Fills `into` with disk content. The range lies inside the disk; holes and zeros are filled in. */
  read(offset: number, into: Uint8Array): void;
  /** Where the bytes from the start of the range on lie unchanged in a file (at most its length); undefined when they are compressed, zero or absent there. */
  locate?(range: ByteRange): FileRun | undefined;
}

export interface OpenOptions {
  readonly references: ReferencePolicy;
  /** Opens a file that the image names, after the policy allowed it; the same checks apply to it. */
  openReference(name: string): ByteFile;
  /** How deep this image lies in a backing chain; the reader passes `depth + 1` on. */
  readonly depth: number;
  /** Images of the chain that count, from the top; those below are not opened, and read as holes. All when absent. */
  readonly layers?: number;
  /** Opens a referenced file in the format that the image recorded for it; absent, a reader opens only its own format. */
  readonly openImage?: (file: ByteFile, format: ImageFormat, o: OpenOptions) => DiskImage;
  /** Paths of the images above this one in its chain, so that a loop is found. */
  readonly chain?: readonly string[];
  /** A larger disk is refused; 64 TiB when absent. */
  readonly virtualSizeMax?: number;
}

/** How one format is recognised and read. */
export interface ImageReader {
  readonly format: ImageFormat;
  /** Looks at the first 64 KiB (the whole file when it is shorter) and answers whether they carry this format's signature. Never throws. */
  probe(head: Uint8Array): boolean;
  /** For a format whose signature may stand only at the end: looks at the last 512 bytes (all of a shorter file). A guest may write any bytes there, so everything has to fit the size of the file. Never throws. */
  probeTail?(tail: Uint8Array, fileSize: number): boolean;
  /** Inspects headers and top tables before it trusts them, and takes ownership of `file` unless it throws. */
  open(file: ByteFile, o: OpenOptions): DiskImage;
}

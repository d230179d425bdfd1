import type { ByteRange } from './extent.ts';

/** Disk image formats that the engine reads and writes. */
export const imageFormats = ['raw', 'qcow2', 'vmdk', 'vhd', 'vdi', 'vhdx'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/**
 * Whether files that an image names (backing file, parent, external data file, VMDK extents) may be opened: never; only plain names in the image's own
 * folder; or only the files of a list, each found by the last part of the name that the image records, wherever that name leads; where several of the list
 * have it, by as much of the name as tells them apart.
 */
export type ReferencePolicy = 'refuse' | 'beside' | ListedFiles;

export interface ListedFiles {
  readonly listed: readonly string[];
  /** The names that they are found by, where these are not their own. */
  readonly as?: readonly string[];
}

/** An image file and how to read it. Plain data, so that another thread can open the same image. */
export interface ImageRef {
  readonly path: string;
  /** The part of the file that is the image; absent = all of it. */
  readonly slice?: ByteRange;
  readonly format: ImageFormat;
  readonly references: ReferencePolicy;
  /** Files that go on where the first one ends: the image is split into volumes. */
  readonly volumes?: readonly string[];
  /** Secret: opens the file where it is encrypted in the age format. */
  readonly fileKey?: Uint8Array;
  /** qcow2: only so many images of its chain count, from the top; what lies below them is not opened, and what they do not hold is a hole. */
  readonly layers?: number;
}

/** What an image says of itself after inspection. Sizes are bytes. */
export interface ImageInfo {
  readonly format: ImageFormat;
  readonly subformat?: string;
  /** What the guest sees. */
  readonly virtualSize: number;
  /** Bytes that hold data, counted by the format's own extents. */
  readonly allocatedSize: number;
  /** Bytes of the files on the medium, holes included. */
  readonly fileSize: number;
  /** Allocation unit of the format: cluster, grain, or 1 for raw. */
  readonly unitSize: number;
  readonly compression?: 'zlib' | 'zstd';
  /** Files that the image refers to, as it spells them. */
  readonly references: readonly string[];
  readonly snapshotCount: number;
  /** Facts in the format's own words, for people. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

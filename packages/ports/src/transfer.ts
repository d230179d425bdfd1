import type { ByteRange, ContentDigest, GuestLook, ImageFormat, ImageInfo, ImageRef, ReferencePolicy, Sha256 } from '@hypersdk/domain';
import type { BlockLocator } from './block.ts';
import type { Cancel } from './cancel.ts';
import type { DecryptionKeys, Encryption } from './encryption.ts';

/** Choices for a target image. What a format does not know is refused with `usage/invalid`. */
export interface ImageSettings {
  readonly format: ImageFormat;
  /** VMDK: `monolithicSparse`, `streamOptimized`, or of several files `twoGbMaxExtentSparse`, `twoGbMaxExtentFlat`, `monolithicFlat`. VHD: `dynamic`, `fixed`, or `azure` (fixed, of whole mebibytes). VHDX: `dynamic` or `fixed`. VDI: `dynamic` or `static`. */
  readonly subformat?: string;
  readonly compression?: 'none' | 'zlib' | 'zstd';
  readonly compressionLevel?: number;
  /** Bytes, a power of two. qcow2: 512 to 2 MiB. VHD: a dynamic disk's blocks, 512 KiB to 2 MiB. VHDX: its blocks, 1 to 256 MiB. */
  readonly clusterSize?: number;
  /** qcow2: 16 by default. */
  readonly refcountBits?: number;
  readonly lazyRefcounts?: boolean;
  readonly extendedL2?: boolean;
  /** qcow2: 2 or 3 (default). */
  readonly compatVersion?: 2 | 3;
  readonly preallocation?: 'off' | 'metadata' | 'falloc' | 'full';
  /** VHDX: bytes of a sector as the guest sees it, 512 (default) or 4096. */
  readonly sectorSize?: number;
  /** qcow2: the image that this one lies on, as it names it; a copy with a parent sets it. */
  readonly backing?: { readonly name: string; readonly format: ImageFormat };
}

/** An image of the target that a new one lies on, so that it holds only what differs. Of every leaf of it the digest is known. */
export interface ParentImage {
  /** With the policy that opens all that it lies on itself. */
  readonly image: ImageRef;
  /** Of its files, as `ImageInspector.mark` answers it: a parent that is written meanwhile spoils the copy. */
  readonly mark: string;
  readonly content: ContentDigest;
  readonly leavesPath: string;
  /** As the new image is to name it: a path from the folder of that image. */
  readonly name: string;
  /**
   * Where the source may differ from it. `marked`: where the source does not tell of a hole; all else is not read. `everything`: anywhere; all is read, and a leaf
   * with the same digest is left out. `nothing`: the source is the same.
   */
  readonly differs: 'marked' | 'everything' | 'nothing';
}

/**
 * Bytes a second that several copies share; `Transfer.setRate` changes it while they run.
 * Plain data, so that it reaches every thread; only the engine that made it knows what the memory means.
 */
export interface RateBudget {
  readonly shared: SharedArrayBuffer;
}

export interface CopyRequest {
  readonly source: BlockLocator;
  /** Identifies the source's content at a point in time; a resume under another mark starts over. */
  readonly sourceMark: string;
  /** Final path of the image; work goes to `<path>.partial.<epoch>` until it is proven. */
  readonly path: string;
  readonly settings: ImageSettings;
  /** Splits the file into volumes of so many bytes, at least 1 MiB; `path` is then that of the first and ends in `.001`, and `parts` of the outcome are the others. */
  readonly volumeSize?: number;
  /** Encrypts the image before it touches the target, and reads it back through the encryption. Not for an overlay. */
  readonly encryption?: Encryption;
  /** Makes the image an overlay, which needs qcow2 and `digest: 'tree'`. Its digests are of the whole disk, the parent's part included. */
  readonly parent?: ParentImage;
  /** `tree`: hash tree from the bytes read, and again from the target before it gets its name. `none`: a plain conversion without proof. */
  readonly digest: 'tree' | 'none';
  /** `sync`: everything is on the medium before the name is given. `none`: left to the page cache, not resumable. */
  readonly durability: 'sync' | 'none';
  /** `throughput` (default): least time. `economy`: least CPU, for a busy host. Where blocks can be shared, both share them. */
  readonly effort?: 'throughput' | 'economy';
  /** Percentage of leaves read back before publishing, 1–100. */
  readonly verifyPercent: number;
  /** Bytes a second over all workers of this copy, or a budget shared with others; absent = as fast as it goes. */
  readonly rateLimit?: number | RateBudget;
  readonly overwrite: boolean;
  /** Throws a kept checkpoint away and begins anew. */
  readonly restart: boolean;
}

export type CopyStage = 'planning' | 'copying' | 'syncing' | 'verifying' | 'publishing';

/** Bytes of the disk as the guest sees it, holes included, so that progress ends at `virtualSize`. */
export interface CopyProgress {
  readonly stage: CopyStage;
  readonly virtualSize: number;
  /** Logical bytes settled, holes included. */
  readonly settled: number;
  /** Bytes of data (not holes) read from the source so far in this attempt, and expected in all when known. */
  readonly dataRead: number;
  readonly dataExpected?: number;
  /** Logical bytes already settled when this attempt began. */
  readonly resumedAt: number;
}

/** One of several files that make an image. */
export interface CopiedFile {
  readonly path: string;
  readonly fileSize: number;
  readonly containerDigest?: Sha256;
}

export interface CopyOutcome {
  readonly path: string;
  readonly virtualSize: number;
  /** Bytes of the file at `path`. */
  readonly fileSize: number;
  readonly content?: ContentDigest;
  readonly containerDigest?: Sha256;
  /** The files beside `path` of an image that is not one file, in the order of the disk. */
  readonly parts?: readonly CopiedFile[];
  /** Path of the leaf digests, written beside the image when `digest` is `tree`. */
  readonly leavesPath?: string;
  /** Leaves read back and compared; those that the target keeps as holes need no reading. */
  readonly leavesChecked: number;
  readonly dataRead: number;
  readonly resumedAt: number;
  /** Why an earlier attempt's work was not used, when there was one. */
  readonly restartReason?: string;
  readonly warnings: readonly string[];
}

export interface Watch<Progress> extends Cancel {
  /** Called at most ten times a second with the newest state. Must not throw. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface VerifyRequest {
  readonly source: BlockLocator;
  readonly expected: ContentDigest;
  /** File of leaf digests; with it the first wrong leaf is named. Without it, or when there is no such file, only the root is compared. */
  readonly leavesPath?: string;
  /** `slice`: the part of the file that the image is, when it lies in an archive. `parts`: the files beside it of an image that is not one file. */
  readonly container?: {
    readonly path: string;
    readonly slice?: ByteRange;
    readonly digest: Sha256;
    readonly parts?: readonly { readonly path: string; readonly digest: Sha256 }[];
  };
  /**
   * The image that the source lies on, known to be right: then only what the source holds itself is read, and all else has to be as in there.
   * Needs `leavesPath`.
   */
  readonly parent?: { readonly content: ContentDigest; readonly leavesPath: string };
  readonly percent: number;
}

export type VerifyOutcome = {
  readonly leavesChecked: number;
  /** There is no file at the request's `leavesPath`. */
  readonly leavesMissing?: true;
} & (
  | { readonly result: 'equal' }
  | { readonly result: 'different'; readonly leaf?: number; readonly offset?: number; readonly length?: number; readonly what: string }
);

export type CompareOutcome =
  | { readonly result: 'equal'; readonly virtualSize: number }
  | { readonly result: 'different'; readonly offset: number; readonly what: string };

/**
 * Moves and proves disk content. Work runs on other threads; the caller's event loop is never held up.
 * A copy that fails or is cancelled keeps its checkpoint: the same request goes on from there. Several calls share one budget of threads and buffers.
 * Disposal calls off what still runs, which rejects with `transfer/cancelled`, and settles when all of it has ended.
 */
export interface Transfer extends AsyncDisposable {
  /** Copies and publishes. Idempotent by path, settings and mark: a killed copy continues, and one that was published already is known by its leaf list, checked, and answered without copying (`dataRead` 0). Any other file under the name is refused with `target/exists` unless `overwrite`. */
  copy(request: CopyRequest, o: Watch<CopyProgress>): Promise<CopyOutcome>;
  verify(request: VerifyRequest, o: Watch<CopyProgress>): Promise<VerifyOutcome>;
  compare(a: BlockLocator, b: BlockLocator, o: Watch<CopyProgress>): Promise<CompareOutcome>;
  /** Root of the hash tree of a source, without copying it. */
  digest(source: BlockLocator, o: Watch<CopyProgress>): Promise<ContentDigest>;
  /** A limit for several copies together. A rate is a whole number of bytes a second, at least 1. */
  openBudget(bytesPerSecond: number): RateBudget;
  /** Holds at once, also for copies that run: what waits its turn is not called back. */
  setRate(budget: RateBudget, bytesPerSecond: number): void;
}

/** Looks at images without trusting them. Reads headers and tables only. */
export interface ImageInspector {
  /** Names the one format that the file's bytes match; `raw` when none does. Two matches are refused with `image/malformed`. */
  probe(path: string, o: Cancel): Promise<ImageFormat>;
  inspect(image: ImageRef, o: Cancel): Promise<ImageInfo>;
  /** Says what lies on the disk: partitions, file systems, installed systems, boot loaders. What is broken there is a finding, never a failure. A second and 24 MiB of reading at most. */
  look(image: ImageRef, o: Cancel): Promise<GuestLook>;
  /** Identifies the content of an image and all files it refers to, at this moment: changes whenever any of them is written. */
  mark(image: ImageRef, o: Cancel): Promise<string>;
  /** The marks of the image and of each one that it lies on, from the top: the image's own mark, then those that the lower ones have by themselves. */
  layerMarks(image: ImageRef, o: Cancel): Promise<readonly string[]>;
  /** A reference to the image at `path`, its format detected unless named. A named format that the bytes contradict is refused with `image/format-mismatch`, a file in the age format that `keys` do not open with an `encryption/…` code. */
  refer(
    path: string,
    o: Cancel & { readonly format?: ImageFormat; readonly references: ReferencePolicy; readonly keys?: DecryptionKeys },
  ): Promise<ImageRef>;
}

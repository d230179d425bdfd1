import type { ByteRange, ContentDigest, ImageFormat } from '@hypersdk/domain';
import type {
  BlockLocator,
  CompareOutcome,
  CopyOutcome,
  CopyProgress,
  CopyRequest,
  FillOutcome,
  FillRequest,
  NbdLocator,
  ParentImage,
  VerifyOutcome,
  VerifyRequest,
} from '@hypersdk/ports';
import type { TargetPaths } from '../file/target-file.ts';
import type { ImagePlan } from '../format/image-writer.ts';
import type { Sealing } from '../age/chunk-sealer.ts';
import type { SealedUnits } from '../age/unit-sealer.ts';
import type { WireError } from './wire-error.ts';

/** What movers do with each leaf. Plain data: every mover opens its own files from it. */
export type TaskSpec = CopyTaskSpec | HashTaskSpec | CompareTaskSpec | ContainerTaskSpec | FillTaskSpec;

export interface CopyTaskSpec {
  readonly kind: 'copy';
  readonly source: BlockLocator;
  /** What the source has to be when a mover opens it. */
  readonly sourceMark: string;
  readonly format: ImageFormat;
  readonly plan: ImagePlan;
  /** The file, or files, being written. */
  readonly target: TargetPaths;
  /** How its content is encrypted. */
  readonly sealing?: Sealing;
  readonly digest: boolean;
  /** What the image is to lie on: only what differs from it is stored. */
  readonly parent?: ParentImage;
  /** `buffers`: a leaf at a time is read, seen and written. `pieces`: bytes go straight to their place. `kernel`: they never enter this process, where both files allow it. `share`: so too, and the file system shares blocks instead of copying them. */
  readonly method: 'buffers' | 'pieces' | 'kernel' | 'share';
  readonly throttle?: SharedArrayBuffer;
}

export interface HashTaskSpec {
  readonly kind: 'hash';
  readonly source: BlockLocator;
  /** Bytes of the disk to hash: a target rounded up by its format is hashed at the source's size. */
  readonly virtualSize: number;
  /** The source only tells what differs from this. */
  readonly parent?: ParentImage;
  /** A mover that also hashes a container does that first: leaves are shared out among all, the one stream of a container is not. */
  readonly yieldsToContainers?: boolean;
}

export interface CompareTaskSpec {
  readonly kind: 'compare';
  readonly a: BlockLocator;
  readonly b: BlockLocator;
}

/** Leaves written into an export of a server. */
export interface FillTaskSpec {
  readonly kind: 'fill';
  readonly source: BlockLocator;
  readonly sourceMark: string;
  readonly target: NbdLocator;
  readonly digest: boolean;
  readonly throttle?: SharedArrayBuffer;
}

/** SHA-256 of a file as it lies on the medium: one mover, leaf 0 stands for all of it. */
export interface ContainerTaskSpec {
  readonly kind: 'container';
  readonly path: string;
  /** Only this part of it. */
  readonly slice?: ByteRange;
}

/** What became of one leaf. */
export interface LeafResult {
  readonly leaf: number;
  /** Absent: every byte is zero (or digests were not asked for); in an overlay: all is as in the parent. */
  readonly digest?: Uint8Array;
  readonly dataRead: number;
  readonly stored: number;
  /** What the mover sealed of an encrypted image, and what is left for the coordinator to seal. */
  readonly sealed?: SealedUnits;
  /** Compare: the first differing offset of the disk. */
  readonly differsAt?: number;
}

export type ToMover =
  | { readonly type: 'start'; readonly task: number; readonly spec: TaskSpec; readonly ring: SharedArrayBuffer }
  | { readonly type: 'placed'; readonly task: number; readonly sequence: number; readonly offsets: Float64Array }
  | { readonly type: 'end'; readonly task: number };

export type FromMover =
  | {
      readonly type: 'place';
      readonly task: number;
      readonly sequence: number;
      readonly leaf: number;
      readonly sizes: Uint32Array<ArrayBuffer> | undefined;
    }
  | { readonly type: 'done'; readonly task: number; readonly sequence: number; readonly result: LeafResult }
  | { readonly type: 'failed'; readonly task: number; readonly error: WireError }
  /** The source takes no further reader; others may go on without this one. */
  | { readonly type: 'declined'; readonly task: number; readonly error: WireError }
  | { readonly type: 'ended'; readonly task: number };

export type JobRequest =
  | { readonly kind: 'copy'; readonly request: CopyRequest }
  | { readonly kind: 'verify'; readonly request: VerifyRequest }
  | { readonly kind: 'compare'; readonly a: BlockLocator; readonly b: BlockLocator }
  | { readonly kind: 'digest'; readonly source: BlockLocator }
  | { readonly kind: 'fill'; readonly request: FillRequest };

export interface JobOutcomes {
  readonly copy: CopyOutcome;
  readonly verify: VerifyOutcome;
  readonly compare: CompareOutcome;
  readonly digest: ContentDigest;
  readonly fill: FillOutcome;
}

export type ToCoordinator =
  | { readonly type: 'start'; readonly job: number; readonly request: JobRequest }
  | { readonly type: 'cancel'; readonly job: number }
  | { readonly type: 'close' };

export type FromCoordinator =
  | { readonly type: 'progress'; readonly job: number; readonly progress: CopyProgress }
  | { readonly type: 'succeeded'; readonly job: number; readonly outcome: JobOutcomes[keyof JobOutcomes] }
  | { readonly type: 'failed'; readonly job: number; readonly error: WireError }
  | { readonly type: 'closed' };

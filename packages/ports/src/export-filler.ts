import type { ContentDigest } from '@hypersdk/domain';
import type { BlockLocator } from './block.ts';
import type { NbdLocator } from './remote-disks.ts';
import type { CopyProgress, RateBudget, Watch } from './transfer.ts';

export interface FillRequest {
  readonly source: BlockLocator;
  /** Identifies the source's content at a point in time. */
  readonly sourceMark: string;
  readonly target: NbdLocator;
  /** `tree`: hash tree from the bytes read, and again from the server once all is flushed. `none`: no proof, and a connection that breaks is the end. */
  readonly digest: 'tree' | 'none';
  /** Bytes a second, or a budget shared with others; absent = as fast as it goes. */
  readonly rateLimit?: number | RateBudget;
  /** Without it an export that holds anything but zeros is refused with `target/exists`. */
  readonly overwrite: boolean;
}

export interface FillOutcome {
  readonly virtualSize: number;
  readonly targetSize: number;
  readonly content?: ContentDigest;
  /** Leaves read back. */
  readonly leavesChecked: number;
  readonly dataRead: number;
}

/** Writes disks into exports of NBD servers. */
export interface ExportFiller {
  /**
   * Writes all of the source into an export that is at least as large, and zeros behind it; when it answers, the server has flushed it and, with a tree, was read back
   * whole. One that is smaller is refused with `target/full`, one that takes no writes with `target/read-only`. A fill that fails or is cancelled begins anew.
   */
  fill(request: FillRequest, o: Watch<CopyProgress>): Promise<FillOutcome>;
}

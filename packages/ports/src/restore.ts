import type { ContentDigest, DiskInfo, VMInfo } from '@hypersdk/domain';
import type { BlockLocator } from './block.ts';
import type { Cancel } from './cancel.ts';
import type { CopyProgress, Watch } from './transfer.ts';

/** A disk that a restored VM is to have, and where its content is read. */
export interface RestorableDisk {
  readonly disk: DiskInfo;
  readonly source: BlockLocator;
  /** What is to be found there, and afterwards at the platform. */
  readonly content: ContentDigest;
}

export interface RestoreRequest {
  /** What the VM was: its hardware is made again as far as the platform can. */
  readonly vm: VMInfo;
  /** In the order in which the VM has them. */
  readonly disks: readonly RestorableDisk[];
  /** Unlike those of all VMs there: else `vm/exists`. */
  readonly name: string;
  /** Whether it is a copy beside the VM, with addresses of its own, or that VM itself again: then `vm/exists` when it is still there. */
  readonly identity: 'new' | 'kept';
  /** Where its disks are kept; absent: where the platform keeps those of nobody in particular. */
  readonly pool?: string;
  /** What its network cards are connected to, or `none`; absent: what each was connected to, where there is such a network. */
  readonly network?: string;
  readonly start: boolean;
}

/** What restoring would make. Sizes are bytes. */
export interface RestorePlan {
  readonly pool: string;
  /** At most; zeros take none. */
  readonly bytesNeeded: number;
  readonly bytesFree?: number;
  /** What will be other than it was, in sentences. */
  readonly warnings: readonly string[];
}

export interface RestoreProgress {
  readonly disk: DiskInfo;
  readonly progress: CopyProgress;
}

export interface RestoreOutcome {
  readonly vm: VMInfo;
  readonly warnings: readonly string[];
}

/** Makes VMs of disks that lie elsewhere. */
export interface Restore {
  /** Looks whether it can be done, and fails as `run` would before it makes anything. Changes nothing. */
  plan(request: RestoreRequest, o: Cancel): Promise<RestorePlan>;
  /**
   * The VM is there when it answers, with exactly the content that was named: what was stored is read back before the VM is made of it. Otherwise there is neither
   * VM nor disk, and `verify/mismatch` says that the content was another. Of a VM that is whole and cannot be started, the failure says just that.
   */
  run(request: RestoreRequest, o: Watch<RestoreProgress>): Promise<RestoreOutcome>;
}

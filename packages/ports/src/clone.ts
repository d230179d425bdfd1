import type { DiskInfo, VMId, VMInfo } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';
import type { Watch } from './transfer.ts';

export interface CloneRequest {
  /** Unlike those of all VMs there: else `vm/exists`. */
  readonly name: string;
  /**
   * `copied`: its disks are its own. `linked`: they hold only what it writes, and all else is read from the disks of its source, which must never be written
   * again while there is such a clone: for VMs that are kept as templates.
   */
  readonly disks: 'copied' | 'linked';
  /** Where its disks are kept; absent: each where that of the source is. */
  readonly pool?: string;
}

/** What cloning would make. Sizes are bytes. */
export interface ClonePlan {
  /** At most; zeros may take none. */
  readonly bytesNeeded: number;
  /** What will be other than at the source, and what has to be heeded afterwards, in sentences. */
  readonly warnings: readonly string[];
}

/** How far a disk has come, as far as its platform tells. Bytes that the copy takes where it lies, in the end as many as were expected. */
export interface CloneProgress {
  readonly disk: DiskInfo;
  readonly copied: number;
  readonly expected: number;
}

export interface CloneOutcome {
  readonly vm: VMInfo;
  readonly warnings: readonly string[];
}

/**
 * Makes VMs of VMs, by the machine that has their disks. `vm/not-found` for what there is not, `vm/wrong-state` for a source that is not off, and `source/changed`
 * where it was changed meanwhile.
 */
export interface Clone {
  /** Looks whether it can be done, and fails as `run` would before it makes anything. Changes nothing. */
  plan(id: VMId, request: CloneRequest, o: Cancel): Promise<ClonePlan>;
  /**
   * A VM that is off, with an identity and addresses of its own and the content of its source, is there when it answers. Otherwise there is neither VM nor disk; of
   * a copy that its platform does not stop half way, that may become true only after the answer, by undoing what the run made.
   */
  run(id: VMId, request: CloneRequest, o: Watch<CloneProgress>): Promise<CloneOutcome>;
}

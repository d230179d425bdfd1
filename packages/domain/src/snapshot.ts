import type { SnapshotId } from './ids.ts';

/** A state of a VM that its platform keeps. Times are ISO 8601 in UTC. */
export interface SnapshotInfo {
  readonly id: SnapshotId;
  readonly name: string;
  readonly description?: string;
  readonly createdAt?: string;
  /** The one that was current when this was made. */
  readonly parent?: SnapshotId;
  /** What the VM writes now lies on top of this one. */
  readonly isCurrent: boolean;
  /** Whether the memory was kept too, so that a VM that is taken back runs on. */
  readonly hasMemory: boolean;
  /** `internal`: inside the images of the disks. `external`: what is written since lies in images of its own. */
  readonly placement: 'internal' | 'external';
}

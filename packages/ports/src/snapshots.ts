import type { SnapshotId, SnapshotInfo, VMId } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

export interface SnapshotRequest {
  /** Unlike those of the VM's other snapshots: else `snapshot/exists`. */
  readonly name: string;
  readonly description?: string;
  /** `external` keeps the disks of a running VM and not its memory; `internal` keeps both. */
  readonly placement: 'internal' | 'external';
  /** Whether the guest writes out what it holds first: never, when it has an agent for that, or `vm/agent-absent` without one. */
  readonly quiesce: 'never' | 'if-possible' | 'required';
}

/** A snapshot that was made, and whether the guest had written out what it held. */
export interface CreatedSnapshot {
  readonly snapshot: SnapshotInfo;
  readonly isQuiesced: boolean;
}

/** States of VMs that the platform keeps. `vm/not-found` and `snapshot/not-found` for what there is not; `vm/busy` while another job holds the VM. */
export interface Snapshots {
  /** All of a VM's, in any order. */
  list(id: VMId, o: Cancel): Promise<readonly SnapshotInfo[]>;
  /** Keeps the state as it is now, of all disks at one moment. The VM goes on as it was. */
  create(id: VMId, request: SnapshotRequest, o: Cancel): Promise<CreatedSnapshot>;
  /** Takes the VM back. What was written since is lost; a snapshot with memory runs on afterwards, one without leaves a stopped VM. */
  revert(id: VMId, snapshot: SnapshotId, o: Cancel): Promise<void>;
  /** Forgets the snapshot. The VM's content stays as it is, and so do its other snapshots. */
  delete(id: VMId, snapshot: SnapshotId, o: Cancel): Promise<void>;
}

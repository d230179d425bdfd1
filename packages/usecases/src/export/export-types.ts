import type { DiskId, ExportManifest, Receipt, VMId } from '@hypersdk/domain';
import type { Clock, CopyOutcome, CopyProgress, Ids, ImageSettings, ProviderSession, Signer, StorageTarget, Transfer } from '@hypersdk/ports';

export interface ExportPorts {
  readonly transfer: Transfer;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Must have a `folder`: images are written in place. */
  readonly target: StorageTarget;
  readonly tool: { readonly name: string; readonly version: string };
}

export interface ExportRequest {
  readonly session: ProviderSession;
  readonly vm: VMId;
  /** Default: all disks of the VM. */
  readonly disks?: readonly DiskId[];
  /** Folder of the export in the target; `toExportName` makes one from a VM's name. */
  readonly name: string;
  readonly settings: ImageSettings;
  /** Percentage of leaves read back before a disk is published, 1–100. */
  readonly verifyPercent: number;
  /** Bytes a second over all disks of this export; absent = as fast as it goes. */
  readonly rateLimit?: number;
  /** Replaces a complete export, or foreign files, of this name. */
  readonly overwrite: boolean;
  /** Throws away what an unfinished run of this export has done. */
  readonly restart: boolean;
  /** Disks copied at a time. */
  readonly parallel: number;
}

export interface DiskProgress {
  readonly id: DiskId;
  readonly label: string;
  readonly progress?: CopyProgress;
  readonly state: 'waiting' | 'running' | 'done';
}

export interface ExportProgress {
  readonly disks: readonly DiskProgress[];
}

export interface ExportOutcome {
  readonly manifest: ExportManifest;
  /** Name of the manifest in the target. */
  readonly manifestName: string;
  readonly receipts: readonly Receipt[];
  /** In the order of `manifest.disks`. A disk that an earlier run had finished has `dataRead` 0. */
  readonly disks: readonly CopyOutcome[];
  readonly warnings: readonly string[];
}

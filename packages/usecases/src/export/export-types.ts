import type { DiskId, ExportManifest, GuestConversion, Receipt, VMId } from '@hypersdk/domain';
import type {
  Archiver,
  Cancel,
  Clock,
  CopyOutcome,
  CopyProgress,
  Encryption,
  Ids,
  ImageInspector,
  ImageSettings,
  ProviderSession,
  RateBudget,
  Signer,
  StorageTarget,
  Transfer,
} from '@hypersdk/ports';
import type { PackageKind } from '../package/package-files.ts';

/** Room for so many disks at a time, whichever export they belong to. */
export interface Places {
  readonly count: number;
  /** Waits for a place, which is free again when the answer is disposed. Whoever asks first goes first. */
  take(o: Cancel): Promise<Disposable>;
}

export interface ExportPorts {
  readonly transfer: Transfer;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Must have a `folder`: images are written in place. */
  readonly target: StorageTarget;
  readonly tool: { readonly name: string; readonly version: string };
  /** Needed to pack disks into an archive. */
  readonly archiver?: Archiver;
  /** Needed to put an increment upon an earlier export. */
  readonly inspector?: Pick<ImageInspector, 'layerMarks'>;
}

export interface ExportRequest {
  readonly session: ProviderSession;
  readonly vm: VMId;
  /** Default: all disks of the VM. */
  readonly disks?: readonly DiskId[];
  /** Folder of the export in the target; `toExportName` makes one from a VM's name. */
  readonly name: string;
  readonly settings: ImageSettings;
  /** Splits each image into volumes of so many bytes. */
  readonly volumeSize?: number;
  /** Encrypts the images before they touch the target. */
  readonly encryption?: Encryption;
  /** Puts the disks together for another platform to import; they are then streamOptimized VMDKs. */
  readonly package?: PackageKind;
  /**
   * Only what changed since the last export of the same disk in the target, as qcow2 upon that. Where that cannot be: `when-possible` copies the whole disk and
   * records why, `required` fails with `chain/no-parent`.
   */
  readonly incremental?: 'when-possible' | 'required';
  /** The export in the target that this one is made of, without its source. */
  readonly flattenedFrom?: NonNullable<ExportManifest['flattenedFrom']>;
  /** The export whose guest was converted to what is exported now. */
  readonly convertedFrom?: GuestConversion;
  /** Percentage of leaves read back before a disk is published, 1–100. */
  readonly verifyPercent: number;
  /** Bytes a second over all disks of this export, or a budget shared with other exports; absent = as fast as it goes. */
  readonly rateLimit?: number | RateBudget;
  /** Replaces a complete export, or foreign files, of this name. */
  readonly overwrite: boolean;
  /** Throws away what an unfinished run of this export has done. */
  readonly restart: boolean;
  /** Disks copied at a time: a number for this export alone, or places shared with other exports. */
  readonly parallel: number | Places;
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
  /** Of increments: what each disk was put upon, and how what changed was found. */
  readonly explanations: readonly string[];
}

import type { DiskId, ImageFormat, ReferencePolicy, VMInfo } from '@hypersdk/domain';
import type { ImageInspector, StorageTarget, Transfer } from '@hypersdk/ports';
import type { Finding } from '../finding.ts';
import type { ExportRequest } from './export-types.ts';

export interface PlannedDisk {
  readonly id: DiskId;
  readonly label: string;
  readonly location: string;
  readonly virtualSize: number;
  /** Absent when nobody can say before reading. */
  readonly allocatedSize?: number;
  readonly format?: ImageFormat;
  /** File name of the image in the export's folder. */
  readonly file: string;
  /** Bytes that the image may take at most. */
  readonly sizeExpected: number;
  /** `resume`: a kept copy is there; `adopt`: an earlier run finished it. Both only if the source has not changed since. */
  readonly action: 'copy' | 'resume' | 'adopt';
}

export interface ExportPlan {
  readonly vm: VMInfo;
  readonly name: string;
  readonly manifestName: string;
  readonly disks: readonly PlannedDisk[];
  /** Bytes still to be written, at most. */
  readonly spaceNeeded: number;
  readonly spaceFree?: number;
  /** A run would go on with the work of an earlier one. */
  readonly resumes: boolean;
  /** When one of them is an error, a run with these choices would fail. */
  readonly findings: readonly Finding[];
}

export interface PlanPorts {
  readonly target: StorageTarget;
  readonly inspector: ImageInspector;
  readonly transfer?: Transfer;
}

export type PlanRequest = Pick<
  ExportRequest,
  'session' | 'vm' | 'disks' | 'name' | 'settings' | 'encryption' | 'volumeSize' | 'package' | 'overwrite' | 'restart' | 'incremental'
> & {
  /** Whether a run would follow what images refer to; `refuse` by default. */
  readonly references?: ReferencePolicy;
};

import type { DiskId } from './ids.ts';
import type { ImageFormat } from './image.ts';

/** What a disk hangs on, as its guest sees it; `scsi` is a controller that is not paravirtual. */
export const diskBuses = ['virtio', 'virtio-scsi', 'scsi', 'sata', 'ide', 'nvme', 'usb'] as const;
export type DiskBus = (typeof diskBuses)[number];

/** A disk of a VM as its platform describes it. Sizes are bytes. */
export interface DiskInfo {
  readonly id: DiskId;
  readonly label: string;
  /** Of an encrypted image that of its files, for more cannot be known without its key. */
  readonly virtualSize: number;
  readonly allocatedSize?: number;
  readonly format?: ImageFormat;
  /** Where the platform keeps it: a path, a datastore path, a volume id. */
  readonly location: string;
  /** In how many files the image is split, where it is. */
  readonly partCount?: number;
  readonly isEncrypted?: true;
  readonly bootOrder?: number;
  readonly bus?: DiskBus;
  /** The images below the one at `location`, nearest first. Absent: none, or the platform does not say. */
  readonly backing?: readonly string[];
}

import type { DiskBus, Firmware, ImageFormat, NicInfo } from '@hypersdk/domain';
import type { OvfPackage } from './ovf/ovf-package.ts';

/** What a descriptor says of a VM, before any of its disks was looked for. Memory is bytes. */
export interface DescribedVM {
  readonly name: string;
  readonly uuid?: string;
  readonly cpus?: number;
  readonly memory?: number;
  readonly os?: string;
  readonly arch?: string;
  readonly machine?: string;
  readonly firmware: Firmware;
  readonly secureBoot?: boolean;
  readonly disks: readonly DescribedDisk[];
  readonly nics: readonly NicInfo[];
  /** Disks that the descriptor names but that are no files: what they are, for people. */
  readonly elsewhere: readonly string[];
  /** The package that the descriptor came with: its disks are looked for there and nowhere else. */
  readonly from?: OvfPackage;
}

/** A disk as a descriptor names it; `file` is outside input. */
export interface DescribedDisk {
  readonly id: string;
  readonly file: string;
  readonly format?: ImageFormat;
  readonly bootOrder?: number;
  readonly bus?: DiskBus;
}

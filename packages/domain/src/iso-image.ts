import type { VolumeRef } from './volume.ts';

/** An image of an optical disc, as its own descriptors tell (ISO 9660). */
export interface IsoImage extends VolumeRef {
  readonly path: string;
  readonly fileSize: number;
  /** What the disc is called. */
  readonly label?: string;
  /** Whether firmware finds something to start on it (El Torito). */
  readonly isBootable: boolean;
}

/** A drive of a VM for optical discs, by what its guest's machine calls it. */
export interface CdromDrive {
  readonly drive: string;
  /** What lies in it; absent: nothing. */
  readonly location?: string;
}

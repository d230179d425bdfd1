import type { CdromDrive, IsoImage, Sha256, VMId, VolumeRef } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

export interface IsoUpload extends VolumeRef {
  readonly fileSize: number;
  /** What has to arrive. */
  readonly digest: Sha256;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface IsoUploadOptions extends Cancel {
  /** Bytes that were sent, then bytes that were read back. Must not throw. */
  readonly onProgress?: (progress: { readonly stage: 'copying' | 'verifying'; readonly settled: number }) => void;
}

/** Images of optical discs in storage pools, and the drives of VMs that they are put into. */
export interface IsoImages {
  /** Those of all pools that run, or of one, in any order. What is called one and is none is told to `onProblem`. */
  list(o: Cancel & { readonly pool?: string; readonly onProblem?: (problem: string) => void }): Promise<readonly IsoImage[]>;
  /**
   * The image is there when it answers, and was read back. Otherwise there is none: `verify/mismatch` when other bytes came or lie there than the digest names,
   * `image/malformed` for what is no disc image, `volume/exists` when the name is taken. One that is not whole yet is seen by nobody as an image.
   */
  upload(image: IsoUpload, o: IsoUploadOptions): Promise<IsoImage>;
  /** `volume/in-use` while a VM has it in a drive, whether it runs or not. */
  delete(ref: VolumeRef, o: Cancel): Promise<void>;
  /** The drives of a VM, in its own order. */
  drives(id: VMId, o: Cancel): Promise<readonly CdromDrive[]>;
  /**
   * Puts an image into a drive, for now and for the next start. Without a wish it is the drive that has it already, else the first empty one, else the first.
   * A stopped VM without a drive is given one; one that runs is refused with `vm/no-drive`.
   */
  attach(id: VMId, ref: VolumeRef, o: Cancel & { readonly drive?: string }): Promise<CdromDrive>;
  /** Takes the disc out of one drive, or out of all. An empty drive is left as it is. `vm/wrong-state` while the guest holds the tray. */
  detach(id: VMId, o: Cancel & { readonly drive?: string }): Promise<void>;
}

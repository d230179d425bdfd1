import type { VolumeInfo, VolumeRef } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

/** Bytes, or a run of zeros that takes no room. */
export type VolumePiece = { readonly kind: 'data'; readonly bytes: Uint8Array } | { readonly kind: 'hole'; readonly length: number };

export interface VolumeWish extends VolumeRef {
  readonly format: 'raw' | 'qcow2';
  readonly virtualSize: number;
  readonly allocation: 'sparse' | 'preallocated';
  /** What is read where the new volume holds nothing; only of qcow2. It must never be written again. */
  readonly backing?: VolumeRef;
}

/** What lies in storage pools. `storage-pool/not-found`, `storage-pool/unfit` for one that does not run, and `volume/not-found` for what there is not. */
export interface Volumes {
  /** All of one pool, in any order. */
  list(pool: string, o: Cancel): Promise<readonly VolumeInfo[]>;
  get(ref: VolumeRef, o: Cancel): Promise<VolumeInfo>;
  /** `volume/exists` when there is one of the name. */
  create(wish: VolumeWish, o: Cancel): Promise<VolumeInfo>;
  /** Makes it larger; `usage/invalid` for less than it has, since that would cut off content. `volume/in-use` while a VM has it. */
  resize(ref: VolumeRef, change: Cancel & { readonly virtualSize: number }): Promise<VolumeInfo>;
  /** `volume/in-use` while a VM has it, or another volume lies on it. */
  delete(ref: VolumeRef, o: Cancel): Promise<void>;
  /**
   * Puts pieces over what the volume holds, from its beginning on, as they lie on the medium: an image with all its tables. Settles when the platform has them.
   * `volume/in-use` while a VM has it.
   */
  upload(ref: VolumeRef, content: Cancel & { readonly pieces: AsyncIterable<VolumePiece> }): Promise<void>;
  /** What lies on the medium, to its end; what is written there meanwhile may be old or new. Fails when the platform breaks off; leaving the iteration is no error. */
  download(ref: VolumeRef, o: Cancel): AsyncIterable<VolumePiece>;
}

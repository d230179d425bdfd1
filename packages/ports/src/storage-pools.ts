import type { StoragePoolInfo } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

/** Where the VMs of one connection keep their disks. `storage-pool/not-found` for what there is not. */
export interface StoragePools {
  /** All, in any order. */
  list(o: Cancel): Promise<readonly StoragePoolInfo[]>;
  get(name: string, o: Cancel): Promise<StoragePoolInfo>;
  /** A pool that runs is left as it is. */
  start(name: string, o: Cancel): Promise<void>;
  /** What lies in it stays; nobody is shown it any more. A pool that does not run is left as it is. */
  stop(name: string, o: Cancel): Promise<void>;
  /** Looks what lies there, for what others put or took away. `storage-pool/unfit` when it does not run. */
  refresh(name: string, o: Cancel): Promise<void>;
}

/** `degraded` runs, on less than it should have. */
export type StoragePoolState = 'stopped' | 'building' | 'running' | 'degraded' | 'inaccessible' | 'unknown';

/** Where a platform keeps the disks of VMs. Its name is unlike those of all others there. Sizes are bytes; of one that does not run they are not known. */
export interface StoragePoolInfo {
  readonly name: string;
  /** In the platform's own words: `dir`, `logical`, `rbd`, … */
  readonly type: string;
  readonly state: StoragePoolState;
  readonly autostart: boolean;
  readonly path?: string;
  readonly capacity?: number;
  readonly allocation?: number;
  readonly available?: number;
}

/** A volume, by the names that tell it from all others. */
export interface VolumeRef {
  readonly pool: string;
  readonly name: string;
}

/** What a storage pool holds: an image or a device. Sizes are bytes. */
export interface VolumeInfo extends VolumeRef {
  /** Where the host finds it. */
  readonly path: string;
  readonly kind: 'file' | 'block' | 'folder' | 'network' | 'unknown';
  /** In the platform's own words; it is read from the image or was said when that was made. */
  readonly format?: string;
  /** What a guest sees. */
  readonly virtualSize: number;
  readonly allocatedSize: number;
  /** What is read where the volume itself holds nothing. */
  readonly backing?: { readonly path: string; readonly format?: string };
}

import { GIB, TIB, type ImageFormat, type ReferencePolicy } from '@hypersdk/domain';

/** A disk image and how to make it: the same bytes every time. */
export interface SourceImage {
  /** Says what is special about it. */
  readonly name: string;
  readonly format: ImageFormat;
  /** Format and subformat, as they are counted. */
  readonly kind: string;
  readonly references?: ReferencePolicy;
  /** `large`: gigabytes, so that nothing of it is preallocated. `giant`: terabytes, so that only tools which skip holes quickly look at it. */
  readonly scale?: 'large' | 'giant';
  /** Makes the image, and whatever it refers to, in a folder of its own; answers its path. */
  make(folder: string): Promise<string>;
}

export function scaleOf(virtualSize: number): Pick<SourceImage, 'scale'> {
  if (virtualSize >= TIB) return { scale: 'giant' };
  return virtualSize >= GIB ? { scale: 'large' } : {};
}

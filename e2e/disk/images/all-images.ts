import { blockImages } from './block-images.ts';
import { giantImages, joinedImages } from './joined-images.ts';
import { qcow2Images } from './qcow2-images.ts';
import { rawImages } from './raw-images.ts';
import type { SourceImage } from './source-image.ts';
import { vmdkImages } from './vmdk-images.ts';

/** Every image that a round trip starts from. */
export const allImages = (): readonly SourceImage[] => [
  ...rawImages(),
  ...qcow2Images(),
  ...vmdkImages(),
  ...blockImages(),
  ...joinedImages(),
  ...giantImages(),
];

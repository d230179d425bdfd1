import type { DiskImage } from '../disk-image.ts';
import type { ChosenFooter } from './find-footer.ts';

/** An opened VHD, with what a differencing disk above it has to find in it. */
export interface VhdImage extends DiskImage {
  readonly uniqueId: string;
  readonly timeStamp: number;
}

/** What every kind of VHD says of itself. */
export function describeFooter({ footer, state }: ChosenFooter): DiskImage['info']['details'] {
  const { creator, geometry, uniqueId, savedState } = footer;
  return {
    creator: JSON.stringify(creator.trimEnd()).slice(1, -1),
    geometry: `${geometry.cylinders}/${geometry.heads}/${geometry.sectors}`,
    uniqueId,
    footer: state,
    ...(savedState ? { savedState } : {}),
  };
}

import type { BlockSource, ImageLocator } from '@hypersdk/ports';
import { openImage } from '../format/open-image.ts';
import { ImageSource } from '../format/image-source.ts';

/** Opens an image for reading on this very thread, where its calls wait for the medium. For looking at a disk; `openTransfer` is for moving one. */
export const openSource = (locator: ImageLocator): BlockSource => new ImageSource(openImage(locator.image));

import type { BlockLocator, BlockSource } from '@hypersdk/ports';
import { ImageSource } from '../format/image-source.ts';
import { openLocator } from './open-locator.ts';

/** Opens a source for reading on this very thread, where its calls wait for the medium. For looking at a disk; `openTransfer` is for moving one. */
export const openSource = (locator: BlockLocator): BlockSource => new ImageSource(openLocator(locator));

import type { ImageSettings } from '@hypersdk/ports';
import { imageWriters } from './formats.ts';

/** Fails as a copy would when a disk of this size cannot be written with these settings. Touches no file. */
export function checkSettings(settings: ImageSettings, virtualSize: number): void {
  imageWriters[settings.format].plan(virtualSize, settings);
}

import { createHash } from 'node:crypto';
import type { BootScreen } from '@hypersdk/ports';
import { parsePixmap, toPng } from '@hypersdk/wire';

/** What an emulator's picture shows. Undefined when it is none. */
export function parseScreen(ppm: Uint8Array): BootScreen | undefined {
  const picture = parsePixmap(ppm);
  if (!picture) return undefined;
  const { width, height, pixels } = picture;
  return { width, height, png: toPng(picture), digest: createHash('sha256').update(pixels).digest('hex'), isBlank: isOneColour(pixels) };
}

/** A row or more apart compares all pixels with the first. */
const isOneColour = (pixels: Uint8Array): boolean => Buffer.compare(pixels.subarray(3), pixels.subarray(0, pixels.length - 3)) === 0;

/** Larger than any screen that a virtual graphics card drives. */
export const SIDE_MAX = 8192;
const HEADER_MAX = 64;

/** A picture in rows from the top, each pixel one byte of red, green and blue. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** Reads a portable pixmap (netpbm, ppm(5), "P6" with a maximum of 255) as an emulator writes it. Undefined when it is none. */
export function parsePixmap(ppm: Uint8Array): Picture | undefined {
  const header = /^P6\s(\d{1,5})\s(\d{1,5})\s255\s/.exec(Buffer.from(ppm.subarray(0, HEADER_MAX)).toString('latin1'));
  const [width, height] = [Number(header?.[1]), Number(header?.[2])];
  if (!header || !(width > 0 && height > 0) || width > SIDE_MAX || height > SIDE_MAX) return undefined;
  const pixels = ppm.subarray(header[0].length);
  return pixels.length === width * height * 3 ? { width, height, pixels } : undefined;
}

import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import type { BootScreen } from '@hypersdk/ports';

/** Larger than any screen that a virtual graphics card drives. */
const SIDE_MAX = 8192;
const HEADER_MAX = 64;

/** Reads a portable pixmap (netpbm, ppm(5), "P6" with a maximum of 255) as an emulator writes it. Undefined when it is none. */
export function parseScreen(ppm: Uint8Array): BootScreen | undefined {
  const header = /^P6\s(\d{1,5})\s(\d{1,5})\s255\s/.exec(Buffer.from(ppm.subarray(0, HEADER_MAX)).toString('latin1'));
  const [width, height] = [Number(header?.[1]), Number(header?.[2])];
  if (!header || !(width > 0 && height > 0) || width > SIDE_MAX || height > SIDE_MAX) return undefined;
  const pixels = ppm.subarray(header[0].length);
  if (pixels.length !== width * height * 3) return undefined;
  return {
    width,
    height,
    png: toPng(pixels, { width, height }),
    digest: createHash('sha256').update(pixels).digest('hex'),
    isBlank: isOneColour(pixels),
  };
}

/** A row or more apart compares all pixels with the first. */
const isOneColour = (pixels: Uint8Array): boolean => Buffer.compare(pixels.subarray(3), pixels.subarray(0, pixels.length - 3)) === 0;

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Screens are mostly of one colour: more effort gains little. */
const LEVEL = 3;

/** PNG, Third Edition: signature, IHDR (11.2.1: 8 bits, truecolour), IDAT with filter type 0 before each row (9.2), IEND. */
function toPng(pixels: Uint8Array, { width, height }: { readonly width: number; readonly height: number }): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const stride = width * 3;
  const rows = Buffer.alloc((stride + 1) * height);
  for (let row = 0; row < height; row += 1) rows.set(pixels.subarray(row * stride, (row + 1) * stride), row * (stride + 1) + 1);
  const parts = [SIGNATURE, toChunk('IHDR', header), toChunk('IDAT', deflateSync(rows, { level: LEVEL })), toChunk('IEND', Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat(parts));
}

/** Length, type, content, and a CRC over the last two (5.3). */
function toChunk(type: string, content: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

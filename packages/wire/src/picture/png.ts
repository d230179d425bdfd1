// PNG, Third Edition: a signature, then chunks that frame and check themselves.
import { crc32, deflateSync } from 'node:zlib';
import { type Picture, SIDE_MAX } from './pixmap.ts';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const HEADER_SIZE = 13;
/** Length, type and CRC of a chunk. */
const FRAME_SIZE = 12;
/** Writers that cut their picture into the smallest pieces make hundreds of chunks out of a screen. */
const CHUNKS_MAX = 100_000;
/** Screens are mostly of one colour: more effort gains little. */
const LEVEL = 3;

/** Signature, IHDR (11.2.1: 8 bits, truecolour), IDAT with filter type 0 before each row (9.2), IEND. */
export function toPng({ width, height, pixels }: Picture): Uint8Array {
  const header = Buffer.alloc(HEADER_SIZE);
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

/**
 * The size of the picture, when the file is whole: it begins with a header of a bearable size, its chunks tile it, their CRCs are right, and there is
 * content before the end. What the content unpacks to is left to whoever shows it. Undefined when it is none.
 */
export function measurePng(png: Uint8Array): Pick<Picture, 'width' | 'height'> | undefined {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.length);
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return undefined;
  const types: string[] = [];
  for (let at = SIGNATURE.length; at < bytes.length && types.length < CHUNKS_MAX;) {
    const type = checkChunk(bytes, at);
    if (type === undefined) return undefined;
    types.push(type);
    at += FRAME_SIZE + bytes.readUInt32BE(at);
  }
  const headerAt = SIGNATURE.length;
  const isWhole = types[0] === 'IHDR' && types.indexOf('IEND') === types.length - 1 && types.length < CHUNKS_MAX && types.includes('IDAT');
  if (!isWhole || bytes.readUInt32BE(headerAt) !== HEADER_SIZE) return undefined;
  const [width, height] = [bytes.readUInt32BE(headerAt + 8), bytes.readUInt32BE(headerAt + 12)];
  return width > 0 && height > 0 && width <= SIDE_MAX && height <= SIDE_MAX ? { width, height } : undefined;
}

/** The type of the chunk; undefined when it is cut short or damaged. */
function checkChunk(bytes: Buffer, at: number): string | undefined {
  if (bytes.length - at < FRAME_SIZE) return undefined;
  const length = bytes.readUInt32BE(at);
  if (length > bytes.length - at - FRAME_SIZE) return undefined;
  const body = bytes.subarray(at + 4, at + 8 + length);
  return crc32(body) === bytes.readUInt32BE(at + 8 + length) ? body.subarray(0, 4).toString('latin1') : undefined;
}

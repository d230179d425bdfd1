// PNG, Third Edition, as far as screens of VMs need it: 8 bits, truecolour with or without alpha, not interlaced.
import { inflateSync } from 'node:zlib';

export interface ReadPicture {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of each pixel. */
  readonly pixels: Uint8Array;
}

const CHANNELS: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

/** Reads a picture by code of its own, so that whoever writes one does not judge itself. */
export function readPng(png: Uint8Array): ReadPicture {
  const bytes = Buffer.from(png);
  const content: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') content.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
  }
  const [width, height, depth, colour, interlace] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20), bytes[24], bytes[25], bytes[28]];
  const channels = CHANNELS[colour ?? 0];
  if (depth !== 8 || channels === undefined || interlace !== 0) throw new Error(`A PNG of depth ${depth} and colour ${colour} is not read here.`);
  const rows = inflateSync(Buffer.concat(content));
  const stride = width * channels;
  if (rows.length !== (stride + 1) * height) throw new Error(`A PNG of ${width} x ${height} has ${rows.length} bytes of rows.`);
  const plain = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row += 1) unfilter(rows.subarray(row * (stride + 1)), { plain, row, stride, channels });
  const pixels = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at += 1) pixels.set(plain.subarray(at * channels, at * channels + 3), at * 3);
  return { width, height, pixels };
}

interface Place {
  readonly plain: Buffer;
  readonly row: number;
  readonly stride: number;
  readonly channels: number;
}

/** §9.2: each byte is told as the difference from its neighbours to the left and above. */
function unfilter(filtered: Uint8Array, { plain, row, stride, channels }: Place): void {
  for (let at = 0; at < stride; at += 1) {
    const place = row * stride + at;
    const left = at < channels ? 0 : (plain[place - channels] ?? 0);
    const above = row === 0 ? 0 : (plain[place - stride] ?? 0);
    const corner = row === 0 || at < channels ? 0 : (plain[place - stride - channels] ?? 0);
    const guesses = [0, left, above, Math.floor((left + above) / 2), paeth({ left, above, corner })];
    plain[place] = (filtered[at + 1] ?? 0) + (guesses[filtered[0] ?? 0] ?? 0);
  }
}

function paeth({ left, above, corner }: { readonly left: number; readonly above: number; readonly corner: number }): number {
  const guess = left + above - corner;
  const [toLeft, toAbove, toCorner] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

// Zstandard compression format, RFC 8878. Sections are named where they are used.

/** Windows beyond this are refused: a decoder would have to keep that much memory for one unit. It is the limit that decoders recommend (RFC 8878, 3.1.1.1.2). */
const WINDOW_MAX = 128 * 1024 ** 2;
const MAGIC = 0xfd2fb528;
const BLOCK_RAW = 0;
const BLOCK_RUN = 1;
const BLOCK_COMPRESSED = 2;

/**
 * Length of the frame that `bytes` starts with; what follows it is padding, which decoders would take for a damaged second frame.
 * Refuses frames that need a dictionary or too much memory, or that say they hold another length than `contentLength`.
 */
export function measureZstdFrame(bytes: Uint8Array, contentLength: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  need(bytes, 5);
  if (view.getUint32(0, true) !== MAGIC) throw new Error('The zstd frame has no magic number.');
  const header = parseHeader(view, bytes);
  if (header.contentLength !== undefined && header.contentLength !== BigInt(contentLength)) {
    throw new Error(`The zstd frame holds ${header.contentLength} bytes instead of ${contentLength}.`);
  }

  // Each block takes at least its three header bytes, so the input's own length bounds this loop (3.1.1.2).
  let at = header.length;
  for (let last = false; !last;) {
    need(bytes, at + 3);
    const block = view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000;
    last = block % 2 === 1;
    at += 3 + blockLength(Math.floor(block / 2) % 4, Math.floor(block / 8));
  }
  const end = at + (header.checksum ? 4 : 0);
  need(bytes, end);
  return end;
}

interface FrameHeader {
  readonly length: number;
  readonly checksum: boolean;
  readonly contentLength: bigint | undefined;
}

/** Frame_Header, 3.1.1.1. */
function parseHeader(view: DataView, bytes: Uint8Array): FrameHeader {
  const descriptor = view.getUint8(4);
  const single = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw new Error('The zstd frame sets a reserved bit.');
  if ((descriptor & 0x03) !== 0) throw new Error('The zstd frame needs a dictionary.');

  const windowAt = 5;
  if (!single) {
    need(bytes, windowAt + 1);
    checkWindow(view.getUint8(windowAt));
  }
  const sizeAt = windowAt + (single ? 0 : 1);
  const sizeLength = contentSizeLength(descriptor >>> 6, single);
  need(bytes, sizeAt + sizeLength);
  return { length: sizeAt + sizeLength, checksum: (descriptor & 0x04) !== 0, contentLength: contentSize(view, sizeAt, sizeLength) };
}

/** Window_Descriptor, 3.1.1.1.2: exponent in the upper five bits, eighths in the lower three. */
function checkWindow(descriptor: number): void {
  const base = 2 ** (10 + (descriptor >>> 3));
  const window = base + (base / 8) * (descriptor & 7);
  if (window > WINDOW_MAX) throw new Error(`The zstd frame needs a window of ${window} bytes, more than ${WINDOW_MAX}.`);
}

/** Frame_Content_Size_Flag, 3.1.1.1.1.1. */
function contentSizeLength(flag: number, single: boolean): number {
  if (flag === 0) return single ? 1 : 0;
  return 2 ** flag;
}

/** Frame_Content_Size, 3.1.1.1.4: the two-byte form counts from 256. */
function contentSize(view: DataView, at: number, length: number): bigint | undefined {
  if (length === 0) return undefined;
  if (length === 1) return BigInt(view.getUint8(at));
  if (length === 2) return BigInt(view.getUint16(at, true) + 256);
  if (length === 4) return BigInt(view.getUint32(at, true));
  return view.getBigUint64(at, true);
}

/** Block_Type and Block_Size, 3.1.1.2.2 and 3.1.1.2.3: a run stores one byte whatever its size. */
function blockLength(type: number, size: number): number {
  if (type === BLOCK_RUN) return 1;
  if (type === BLOCK_RAW || type === BLOCK_COMPRESSED) return size;
  throw new Error('The zstd frame has a block of a reserved type.');
}

function need(bytes: Uint8Array, length: number): void {
  if (bytes.length < length) throw new Error(`The zstd frame is cut short at byte ${bytes.length}.`);
}

import { constants, deflateRawSync, deflateSync, inflateRawSync, inflateSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { assertLevel, assertUnit } from './codec-level.ts';
import type { Codec, Compressor, Decompressor, NativeCodecs } from './native.ts';
import { measureZstdFrame } from './zstd-frame.ts';

/** The reference: what Node brings along, on every machine. Other back ends must agree with it. */
export const pureCodecs: NativeCodecs = {
  name: 'node:zlib',
  compressor: (codec, level) => {
    assertLevel(codec, level);
    return new PureCompressor(encoders[codec](level));
  },
  decompressor: (codec) => new PureDecompressor(decoders[codec]),
};

type Encode = (from: Uint8Array, chunkSize: number) => Uint8Array;
type Decode = (from: Uint8Array, length: number) => Uint8Array;

/** log2 of the 4 KiB window that qcow2 readers keep (qcow2 specification, "Compressed Clusters Descriptor": raw deflate, 12 window bits). */
const QCOW2_WINDOW_BITS = 12;
/** Most memory for the match finder: it is one context per thread, and the ratio gains. */
const MEM_LEVEL = 9;

const encoders: Readonly<Record<Codec, (level: number) => Encode>> = {
  'deflate-4k': (level) => (from, chunkSize) => deflateRawSync(from, { level, windowBits: QCOW2_WINDOW_BITS, memLevel: MEM_LEVEL, chunkSize }),
  zlib: (level) => (from, chunkSize) => deflateSync(from, { level, memLevel: MEM_LEVEL, chunkSize }),
  zstd: (level) => {
    const params = { [constants.ZSTD_c_compressionLevel]: level };
    return (from, chunkSize) => zstdCompressSync(from, { params, chunkSize });
  },
};

/** One byte more than expected, so that a stream of the right length ends inside the first chunk. */
const room = (length: number): { readonly chunkSize: number; readonly maxOutputLength: number } => ({
  chunkSize: Math.max(length + 1, CHUNK_MIN),
  maxOutputLength: Math.max(length, 1),
});

/** Node refuses smaller chunks. */
const CHUNK_MIN = 64;

const decoders: Readonly<Record<Codec, Decode>> = {
  'deflate-4k': (from, length) => inflateRawSync(from, room(length)),
  zlib: (from, length) => inflateSync(from, room(length)),
  zstd: (from, length) => zstdDecompressSync(from.subarray(0, measureZstdFrame(from, length)), room(length)),
};

class PureCompressor implements Compressor {
  readonly #encode: Encode;

  constructor(encode: Encode) {
    this.#encode = encode;
  }

  /** zlib's own worst case for windows below 32 KiB, where it cannot fall back to stored blocks: an eighth and a 64th more. zstd needs less. */
  bound(length: number): number {
    return length + Math.ceil(length / 8) + Math.ceil(length / 64) + CHUNK_MIN;
  }

  compress(from: Uint8Array, into: Uint8Array, at: number): number {
    assertUnit(from);
    const encoded = this.#encode(from, from.length + CHUNK_MIN);
    if (encoded.length > into.length - at) return 0;
    into.set(encoded, at);
    return encoded.length;
  }

  [Symbol.dispose](): void {
    // Node keeps no context between calls.
  }
}

class PureDecompressor implements Decompressor {
  readonly #decode: Decode;

  constructor(decode: Decode) {
    this.#decode = decode;
  }

  decompress(from: Uint8Array, into: Uint8Array): void {
    assertUnit(from);
    assertUnit(into);
    const decoded = this.#decode(from, into.length);
    if (decoded.length !== into.length) throw new Error(`The stream makes ${decoded.length} bytes instead of ${into.length}.`);
    into.set(decoded);
  }

  [Symbol.dispose](): void {
    // Node keeps no context between calls.
  }
}

import { assertUnit } from './codec-level.ts';
import type { Compressor, Decompressor } from './native.ts';
import type { Pointer, SharedLibrary } from './shared-library.ts';

export const LIBDEFLATE_NAMES = ['libdeflate.so.0'] as const;

/** The functions of libdeflate.h (binary interface 0) that we call. A null result of an allocation means no memory. */
export interface Libdeflate {
  readonly allocCompressor: (level: number) => Pointer | null;
  readonly freeCompressor: (compressor: Pointer) => void;
  readonly zlibCompress: (compressor: Pointer, from: Uint8Array, fromLength: number, into: Uint8Array, room: number) => number;
  readonly zlibBound: (compressor: Pointer, length: number) => number;
  readonly allocDecompressor: () => Pointer | null;
  readonly freeDecompressor: (decompressor: Pointer) => void;
  readonly rawDecompress: Inflate;
  readonly zlibDecompress: Inflate;
}

/** Without a place for the actual length, libdeflate itself refuses streams that make fewer bytes than asked for. It stops at the end of the stream, so padding is fine. */
type Inflate = (decompressor: Pointer, from: Uint8Array, fromLength: number, into: Uint8Array, intoLength: number, actualLength: null) => number;

export function bindLibdeflate(library: SharedLibrary): Libdeflate {
  const inflate = 'void *decompressor, const void *from, size_t from_length, void *into, size_t into_length, size_t *actual';
  return {
    allocCompressor: library.func('void *libdeflate_alloc_compressor(int level)'),
    freeCompressor: library.func('void libdeflate_free_compressor(void *compressor)'),
    zlibCompress: library.func('size_t libdeflate_zlib_compress(void *compressor, const void *from, size_t from_length, void *into, size_t room)'),
    zlibBound: library.func('size_t libdeflate_zlib_compress_bound(void *compressor, size_t length)'),
    allocDecompressor: library.func('void *libdeflate_alloc_decompressor()'),
    freeDecompressor: library.func('void libdeflate_free_decompressor(void *decompressor)'),
    rawDecompress: library.func(`int libdeflate_deflate_decompress(${inflate})`),
    zlibDecompress: library.func(`int libdeflate_zlib_decompress(${inflate})`),
  };
}

/** zlib with its 32 KiB window. libdeflate cannot make the window smaller, so it does not serve qcow2. Its levels 1 to 9 stand for about the same effort as zlib's. */
export class LibdeflateCompressor implements Compressor {
  readonly #library: Libdeflate;
  #context: Pointer | undefined;

  constructor(library: Libdeflate, level: number) {
    this.#library = library;
    this.#context = allocated(library.allocCompressor(level));
  }

  bound(length: number): number {
    return this.#library.zlibBound(opened(this.#context), length);
  }

  compress(from: Uint8Array, into: Uint8Array, at: number): number {
    assertUnit(from);
    if (at >= into.length) return 0;
    return this.#library.zlibCompress(opened(this.#context), from, from.length, into.subarray(at), into.length - at);
  }

  [Symbol.dispose](): void {
    if (this.#context !== undefined) this.#library.freeCompressor(this.#context);
    this.#context = undefined;
  }
}

export class LibdeflateDecompressor implements Decompressor {
  readonly #library: Libdeflate;
  readonly #inflate: Inflate;
  #context: Pointer | undefined;

  constructor(library: Libdeflate, wrapper: 'raw' | 'zlib') {
    this.#library = library;
    this.#inflate = wrapper === 'raw' ? library.rawDecompress : library.zlibDecompress;
    this.#context = allocated(library.allocDecompressor());
  }

  decompress(from: Uint8Array, into: Uint8Array): void {
    assertUnit(from);
    assertUnit(into);
    const result = this.#inflate(opened(this.#context), from, from.length, into, into.length, null);
    if (result !== SUCCESS) throw new Error(`The stream ${FAILURES[result] ?? 'is damaged'} (${into.length} bytes expected).`);
  }

  [Symbol.dispose](): void {
    if (this.#context !== undefined) this.#library.freeDecompressor(this.#context);
    this.#context = undefined;
  }
}

const SUCCESS = 0;
/** enum libdeflate_result. */
const FAILURES: Readonly<Record<number, string>> = { 1: 'is damaged or cut short', 2: 'makes too few bytes', 3: 'makes too many bytes' };

function allocated(context: Pointer | null): Pointer {
  if (context === null) throw new Error('libdeflate could not get memory for a context.');
  return context;
}

/** C code would follow a freed pointer without a word. */
function opened(context: Pointer | undefined): Pointer {
  if (context === undefined) throw new Error('This codec context is disposed.');
  return context;
}

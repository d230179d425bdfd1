import { assertUnit } from './codec-level.ts';
import type { Compressor, Decompressor } from './native.ts';
import type { Pointer, SharedLibrary } from './shared-library.ts';
import { measureZstdFrame } from './zstd-frame.ts';

export const LIBZSTD_NAMES = ['libzstd.so.1'] as const;

/** A size, or an error code as `(size_t)-code`, which is too large for a number and arrives as a bigint. */
type SizeOrError = number | bigint;

/** The functions of zstd.h (binary interface 1, all stable since 1.4.0) that we call. */
export interface Libzstd {
  readonly createCompressor: () => Pointer | null;
  readonly freeCompressor: (context: Pointer) => SizeOrError;
  readonly setParameter: (context: Pointer, parameter: number, value: number) => SizeOrError;
  readonly compress: (context: Pointer, into: Uint8Array, room: number, from: Uint8Array, fromLength: number) => SizeOrError;
  readonly bound: (length: number) => SizeOrError;
  readonly createDecompressor: () => Pointer | null;
  readonly freeDecompressor: (context: Pointer) => SizeOrError;
  readonly decompress: (context: Pointer, into: Uint8Array, room: number, from: Uint8Array, fromLength: number) => SizeOrError;
  readonly errorName: (code: SizeOrError) => string;
}

export function bindLibzstd(library: SharedLibrary): Libzstd {
  const units = 'void *context, void *into, size_t room, const void *from, size_t from_length';
  return {
    createCompressor: library.func('void *ZSTD_createCCtx()'),
    freeCompressor: library.func('size_t ZSTD_freeCCtx(void *context)'),
    setParameter: library.func('size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value)'),
    compress: library.func(`size_t ZSTD_compress2(${units})`),
    bound: library.func('size_t ZSTD_compressBound(size_t length)'),
    createDecompressor: library.func('void *ZSTD_createDCtx()'),
    freeDecompressor: library.func('size_t ZSTD_freeDCtx(void *context)'),
    decompress: library.func(`size_t ZSTD_decompressDCtx(${units})`),
    errorName: library.func('const char *ZSTD_getErrorName(size_t code)'),
  };
}

/** ZSTD_c_compressionLevel of zstd.h. */
const LEVEL_PARAMETER = 100;
/** ZSTD_error_dstSize_tooSmall of zstd_errors.h, as the 64-bit size that stands for it. */
const NO_ROOM = 2n ** 64n - 70n;

/** One context for all units of a thread: making one costs as much as a unit. */
export class LibzstdCompressor implements Compressor {
  readonly #library: Libzstd;
  #context: Pointer | undefined;

  constructor(library: Libzstd, level: number) {
    this.#library = library;
    this.#context = allocated(library.createCompressor());
    toSize(library, library.setParameter(this.#context, LEVEL_PARAMETER, level));
  }

  bound(length: number): number {
    return toSize(this.#library, this.#library.bound(length));
  }

  compress(from: Uint8Array, into: Uint8Array, at: number): number {
    assertUnit(from);
    if (at >= into.length) return 0;
    const result = this.#library.compress(opened(this.#context), into.subarray(at), into.length - at, from, from.length);
    return result === NO_ROOM ? 0 : toSize(this.#library, result);
  }

  [Symbol.dispose](): void {
    if (this.#context !== undefined) this.#library.freeCompressor(this.#context);
    this.#context = undefined;
  }
}

export class LibzstdDecompressor implements Decompressor {
  readonly #library: Libzstd;
  #context: Pointer | undefined;

  constructor(library: Libzstd) {
    this.#library = library;
    this.#context = allocated(library.createDecompressor());
  }

  /** The frame is measured first: the library would go on into the padding, and follow a frame that needs any amount of memory. */
  decompress(from: Uint8Array, into: Uint8Array): void {
    assertUnit(from);
    assertUnit(into);
    const frameLength = measureZstdFrame(from, into.length);
    const made = toSize(this.#library, this.#library.decompress(opened(this.#context), into, into.length, from, frameLength));
    if (made !== into.length) throw new Error(`The stream makes ${made} bytes instead of ${into.length}.`);
  }

  [Symbol.dispose](): void {
    if (this.#context !== undefined) this.#library.freeDecompressor(this.#context);
    this.#context = undefined;
  }
}

function toSize(library: Libzstd, result: SizeOrError): number {
  if (typeof result === 'bigint') throw new Error(`zstd refuses the unit: ${library.errorName(result)}.`);
  return result;
}

function allocated(context: Pointer | null): Pointer {
  if (context === null) throw new Error('libzstd could not get memory for a context.');
  return context;
}

/** C code would follow a freed pointer without a word. */
function opened(context: Pointer | undefined): Pointer {
  if (context === undefined) throw new Error('This codec context is disposed.');
  return context;
}

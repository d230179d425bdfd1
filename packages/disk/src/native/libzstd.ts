import { assertUnit } from './codec-level.ts';
import type { Compressor, Decompressor } from './native.ts';
import type { Koffi, Pointer, SharedLibrary } from './shared-library.ts';
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
  /** Both buffers are structs `{pointer, size, position}` of 64-bit words; answers 0 when all is out. */
  readonly compressStream: (context: Pointer, output: Uint8Array, input: Uint8Array, directive: number) => SizeOrError;
  readonly reset: (context: Pointer, directive: number) => SizeOrError;
  readonly pledge: (context: Pointer, length: number) => SizeOrError;
  readonly bound: (length: number) => SizeOrError;
  readonly createDecompressor: () => Pointer | null;
  readonly freeDecompressor: (context: Pointer) => SizeOrError;
  readonly decompress: (context: Pointer, into: Uint8Array, room: number, from: Uint8Array, fromLength: number) => SizeOrError;
  readonly errorName: (code: SizeOrError) => string;
  readonly addressOf: (bytes: Uint8Array) => Pointer;
}

export function bindLibzstd(library: SharedLibrary, koffi: Pick<Koffi, 'address'>): Libzstd {
  const units = 'void *context, void *into, size_t room, const void *from, size_t from_length';
  return {
    createCompressor: library.func('void *ZSTD_createCCtx()'),
    freeCompressor: library.func('size_t ZSTD_freeCCtx(void *context)'),
    setParameter: library.func('size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value)'),
    compress: library.func(`size_t ZSTD_compress2(${units})`),
    compressStream: library.func('size_t ZSTD_compressStream2(void *context, void *output, void *input, int directive)'),
    reset: library.func('size_t ZSTD_CCtx_reset(void *context, int directive)'),
    pledge: library.func('size_t ZSTD_CCtx_setPledgedSrcSize(void *context, uint64_t length)'),
    bound: library.func('size_t ZSTD_compressBound(size_t length)'),
    createDecompressor: library.func('void *ZSTD_createDCtx()'),
    freeDecompressor: library.func('size_t ZSTD_freeDCtx(void *context)'),
    decompress: library.func(`size_t ZSTD_decompressDCtx(${units})`),
    errorName: library.func('const char *ZSTD_getErrorName(size_t code)'),
    addressOf: (bytes) => koffi.address(bytes),
  };
}

/** ZSTD_c_compressionLevel of zstd.h. */
const LEVEL_PARAMETER = 100;
/** ZSTD_error_dstSize_tooSmall of zstd_errors.h, as the 64-bit size that stands for it. */
const NO_ROOM = 2n ** 64n - 70n;

/** ZSTD_EndDirective and ZSTD_ResetDirective of zstd.h. */
const CONTINUE = 0;
const END = 2;
const SESSION_ONLY = 1;
/** What goes in at a step: the size of a block of the format. The best levels take up to a second for it (2 MiB: 14 s). */
const STEP_SIZE = 128 * 1024;

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

  *compressInSteps(from: Uint8Array, into: Uint8Array, at: number): Generator<undefined, number> {
    assertUnit(from);
    if (at >= into.length) return 0;
    const library = this.#library;
    const room = into.subarray(at);
    const output = new BufferStruct(library, room);
    const input = new BufferStruct(library, from);
    toSize(library, library.reset(opened(this.#context), SESSION_ONLY));
    toSize(library, library.pledge(opened(this.#context), from.length));
    try {
      for (let end = Math.min(STEP_SIZE, from.length); ; end = Math.min(end + STEP_SIZE, from.length)) {
        input.size = end;
        const isLast = end === from.length;
        const left = toSize(library, library.compressStream(opened(this.#context), output.bytes, input.bytes, isLast ? END : CONTINUE));
        if (isLast && left === 0) return output.position;
        // What did not go in, or out, has no room.
        if (input.position < end || isLast) return 0;
        yield;
      }
    } finally {
      if (this.#context !== undefined) library.reset(this.#context, SESSION_ONLY);
    }
  }

  [Symbol.dispose](): void {
    if (this.#context !== undefined) this.#library.freeCompressor(this.#context);
    this.#context = undefined;
  }
}

/** ZSTD_inBuffer or ZSTD_outBuffer on a 64-bit little-endian machine: pointer, size, position. */
class BufferStruct {
  readonly bytes = Buffer.alloc(24);
  /** Must stay alive as long as the pointer to it. */
  readonly memory: Uint8Array;

  constructor(library: Pick<Libzstd, 'addressOf'>, memory: Uint8Array) {
    this.memory = memory;
    this.bytes.writeBigUInt64LE(library.addressOf(memory), 0);
    this.size = memory.length;
  }

  set size(size: number) {
    this.bytes.writeBigUInt64LE(BigInt(size), 8);
  }

  get position(): number {
    return Number(this.bytes.readBigUInt64LE(16));
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

import { assertUnit } from './codec-level.ts';
import type { Compressor } from './native.ts';
import type { Koffi, Pointer, SharedLibrary } from './shared-library.ts';

export const ISAL_NAMES = ['libisal.so.2'] as const;

/** The functions of igzip_lib.h (binary interface 2) that we call. */
export interface Isal {
  readonly init: (stream: Uint8Array) => void;
  readonly deflate: (stream: Uint8Array) => number;
  readonly addressOf: (bytes: Uint8Array) => Pointer;
}

export function bindIsal(library: SharedLibrary, koffi: Pick<Koffi, 'address'>): Isal {
  return {
    init: library.func('void isal_deflate_stateless_init(void *stream)'),
    deflate: library.func('int isal_deflate_stateless(void *stream)'),
    addressOf: (bytes) => koffi.address(bytes),
  };
}

/**
 * Level of ISA-L for a level of zlib; 4 KiB window, measured on clusters of an operating system: ISA-L 1 and 3 make 8 % and 6 % more bytes than zlib 6 at 7 and 5 times its speed.
 * From zlib level 7 on the caller wants bytes saved more than time, which ISA-L cannot do: undefined.
 */
export function toIsalLevel(level: number): 1 | 2 | 3 | undefined {
  if (level >= 7) return undefined;
  if (level >= 6) return 3;
  return level >= 4 ? 2 : 1;
}

// struct isal_zstream on a 64-bit little-endian machine: offsets of its public fields.
const NEXT_IN = 0;
const AVAIL_IN = 8;
const TOTAL_IN = 12;
const NEXT_OUT = 16;
const AVAIL_OUT = 24;
const TOTAL_OUT = 28;
const LEVEL = 40;
const LEVEL_BUF_SIZE = 44;
const LEVEL_BUF = 48;
const END_OF_STREAM = 56;
const FLUSH = 58;
const HIST_BITS = 62;

/** The struct is 82,384 bytes in 2.30; room to spare for internal state that grows within the same binary interface. */
const STREAM_SIZE = 256 * 1024;
/** ISAL_DEF_LVL3_DEFAULT, the largest of the recommended level buffers, is 348,160 bytes. */
const LEVEL_BUFFER_SIZE = 640 * 1024;
/** log2 of the 4 KiB that a qcow2 reader's window holds. */
const QCOW2_HISTORY_BITS = 12;
/** The encoder flushes bits eight bytes at a time; it is not asked to work in less than a few of those. */
const ROOM_MIN = 32;

const OK = 0;
const NO_ROOM = -1;

/** Raw deflate with a 4 KiB window. */
export class IsalCompressor implements Compressor {
  readonly #library: Isal;
  /** Both are written by C code through their addresses, so they stay referenced as long as the compressor. */
  readonly #stream = new Uint8Array(STREAM_SIZE);
  readonly #levelBuffer = new Uint8Array(LEVEL_BUFFER_SIZE);
  readonly #fields = new DataView(this.#stream.buffer);

  constructor(library: Isal, level: 1 | 2 | 3) {
    this.#library = library;
    library.init(this.#stream);
    this.#fields.setUint32(LEVEL, level, true);
    this.#fields.setUint32(LEVEL_BUF_SIZE, LEVEL_BUFFER_SIZE, true);
    this.#fields.setBigUint64(LEVEL_BUF, library.addressOf(this.#levelBuffer), true);
    this.#fields.setUint16(FLUSH, 0, true);
    this.#fields.setUint16(HIST_BITS, QCOW2_HISTORY_BITS, true);
  }

  /** What does not shrink is stored in blocks of 65,535 bytes with 5 bytes each; 32 more let the bit writer finish. */
  bound(length: number): number {
    return length + 5 * (Math.floor(length / 65_535) + 1) + ROOM_MIN;
  }

  compress(from: Uint8Array, into: Uint8Array, at: number): number {
    assertUnit(from);
    const room = Math.min(into.length - at, this.bound(from.length));
    if (room < ROOM_MIN) return 0;

    const fields = this.#fields;
    fields.setBigUint64(NEXT_IN, this.#library.addressOf(from), true);
    fields.setUint32(AVAIL_IN, from.length, true);
    fields.setUint32(TOTAL_IN, 0, true);
    fields.setBigUint64(NEXT_OUT, this.#library.addressOf(into) + BigInt(at), true);
    fields.setUint32(AVAIL_OUT, room, true);
    fields.setUint32(TOTAL_OUT, 0, true);
    fields.setUint16(END_OF_STREAM, 1, true);
    const result = this.#library.deflate(this.#stream);
    if (result === NO_ROOM) return 0;
    if (result !== OK || fields.getUint32(AVAIL_IN, true) !== 0) throw new Error(`ISA-L refuses the unit with code ${result}.`);
    return room - fields.getUint32(AVAIL_OUT, true);
  }

  [Symbol.dispose](): void {
    // Its memory is the collector's.
  }
}

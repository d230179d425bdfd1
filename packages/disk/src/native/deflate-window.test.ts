import { describe, expect, test } from 'vitest';
import { codecLevels } from './codec-level.ts';
import { nativeCodecs } from './load.ts';
import { pureCodecs } from './pure-codecs.ts';

// A reader of qcow2 may keep no more than 4 KiB of window, but one that inflates a whole cluster at once does not notice when a stream reaches back further.
// So the distances are read from the stream itself (DEFLATE, RFC 1951).

const WINDOW = 4096;
const backEnds = [...new Set([pureCodecs, nativeCodecs()])];

describe.each(backEnds)('deflate-4k of $name', (codecs) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('reaches back no further than 4 KiB at level %i', (level) => {
    using compressor = codecs.compressor('deflate-4k', level);
    for (const period of [4000, 4095, 4096, 4097, 4200, 8192, 30_000]) {
      const unit = repeating(period);
      const into = new Uint8Array(compressor.bound(unit.length));
      const length = compressor.compress(unit, into, 0);
      expect(farthestDistance(into.subarray(0, length))).toBeLessThanOrEqual(WINDOW);
    }
  });

  // zlib stays 262 bytes short of its window.
  test('does reach back to repeats inside the window', () => {
    using compressor = codecs.compressor('deflate-4k', codecLevels['deflate-4k'].usual);
    const into = new Uint8Array(70_000);
    const length = compressor.compress(repeating(3800), into, 0);
    expect(farthestDistance(into.subarray(0, length))).toBe(3800);
  });
});

test('the measure sees distances beyond the window where there are some', () => {
  using compressor = pureCodecs.compressor('zlib', 9);
  const into = new Uint8Array(70_000);
  const length = compressor.compress(repeating(30_000), into, 0);
  expect(farthestDistance(into.subarray(2, length))).toBe(30_000);
});

/** Noise that repeats after `period` bytes and nowhere else. */
function repeating(period: number): Uint8Array {
  let state = 12_345;
  const noise = Uint8Array.from({ length: period }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  });
  return Uint8Array.from({ length: 64 * 1024 }, (_, index) => noise[index % period] ?? 0);
}

function farthestDistance(stream: Uint8Array): number {
  const bits = new Bits(stream);
  let farthest = 0;
  for (let last = false; !last;) {
    last = bits.take(1) === 1;
    const type = bits.take(2);
    if (type === 0) bits.skipStored();
    else farthest = Math.max(farthest, readBlock(bits, type === 1 ? FIXED : readTables(bits)));
  }
  return farthest;
}

interface Tables {
  readonly literals: Code;
  readonly distances: Code;
}

const END_OF_BLOCK = 256;
/** 3.2.5: extra bits of the length symbols 257 to 285, base and extra bits of the distance symbols. */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceExtra = (symbol: number): number => Math.max(0, Math.floor(symbol / 2) - 1);
const distanceBase = (symbol: number): number => (symbol < 4 ? symbol + 1 : (2 + (symbol % 2)) * 2 ** distanceExtra(symbol) + 1);

function readBlock(bits: Bits, tables: Tables): number {
  let farthest = 0;
  for (let symbol = tables.literals.read(bits); symbol !== END_OF_BLOCK; symbol = tables.literals.read(bits)) {
    if (symbol < END_OF_BLOCK) continue;
    bits.take(LENGTH_EXTRA[symbol - 257] ?? 0);
    const distance = tables.distances.read(bits);
    farthest = Math.max(farthest, distanceBase(distance) + bits.take(distanceExtra(distance)));
  }
  return farthest;
}

/** 3.2.7, "Compression with dynamic Huffman codes". */
function readTables(bits: Bits): Tables {
  const literalCount = bits.take(5) + 257;
  const distanceCount = bits.take(5) + 1;
  const lengths = new Array<number>(19).fill(0);
  for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].slice(0, bits.take(4) + 4)) lengths[symbol] = bits.take(3);

  const lengthCode = new Code(lengths);
  const all: number[] = [];
  while (all.length < literalCount + distanceCount) {
    const symbol = lengthCode.read(bits);
    if (symbol < 16) all.push(symbol);
    else if (symbol === 16) all.push(...new Array<number>(bits.take(2) + 3).fill(all.at(-1) ?? 0));
    else all.push(...new Array<number>(symbol === 17 ? bits.take(3) + 3 : bits.take(7) + 11).fill(0));
  }
  return { literals: new Code(all.slice(0, literalCount)), distances: new Code(all.slice(literalCount)) };
}

/** 3.2.2: symbols of one length have consecutive codes, in order. */
class Code {
  readonly #symbols = new Map<number, number>();

  constructor(lengths: readonly number[]) {
    let code = 0;
    for (let length = 1; length <= 15; length += 1) {
      code *= 2;
      for (const [symbol, its] of lengths.entries()) {
        if (its !== length) continue;
        this.#symbols.set(length * 0x10000 + code, symbol);
        code += 1;
      }
    }
  }

  read(bits: Bits): number {
    let code = 0;
    for (let length = 1; length <= 15; length += 1) {
      code = code * 2 + bits.take(1);
      const symbol = this.#symbols.get(length * 0x10000 + code);
      if (symbol !== undefined) return symbol;
    }
    throw new Error('The stream has a code that its tables do not name.');
  }
}

class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit += 1) {
      const byte = this.#bytes[Math.floor(this.#at / 8)];
      if (byte === undefined) throw new Error('The stream is cut short.');
      value += ((byte >>> (this.#at % 8)) & 1) * 2 ** bit;
      this.#at += 1;
    }
    return value;
  }

  /** 3.2.4: from the next byte on, a length, its complement, and the bytes. */
  skipStored(): void {
    this.#at = Math.ceil(this.#at / 8) * 8;
    const length = this.take(16);
    this.take(16);
    this.#at += length * 8;
  }
}

const fixedLengths = Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8));
const FIXED: Tables = { literals: new Code(fixedLengths), distances: new Code(new Array<number>(30).fill(5)) };

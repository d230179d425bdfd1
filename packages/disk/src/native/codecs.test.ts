import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecLevels } from './codec-level.ts';
import { nativeCodecs } from './load.ts';
import type { Codec, NativeCodecs } from './native.ts';
import { openNativeCodecs } from './native-codecs.ts';
import { pureCodecs } from './pure-codecs.ts';
import { loadKoffi } from './shared-library.ts';

const CODECS: readonly Codec[] = ['deflate-4k', 'zlib', 'zstd'];
const koffi = loadKoffi();
/** Without what Node itself exports, the system's own zstd serves. */
const systemCodecs = koffi ? openNativeCodecs(koffi, { own: undefined }) : pureCodecs;
const backEnds = [...new Map([pureCodecs, nativeCodecs(), systemCodecs].map((codecs) => [codecs.name, codecs])).values()];
const UNIT = 64 * 1024;

const UNITS: readonly Uint8Array[] = [
  text(UNIT),
  noise(UNIT),
  new Uint8Array(UNIT).fill(1),
  Uint8Array.of(9),
  Buffer.concat([text(30_000), noise(35_536)]),
];

describe.each(backEnds.map((codecs) => ({ codecs, name: codecs.name })))('codecs of $name', ({ codecs }) => {
  describe.each(CODECS)('%s', (codec) => {
    test.each(levelsOf(codec))('what it compresses at level %i comes back', (level) => {
      for (const unit of UNITS) expectSame(decompressed({ codecs, codec }, compressed({ codecs, codec, level }, unit), unit.length), unit);
    });

    test('any mixture of runs, repeats and noise comes back', () => {
      using compressor = codecs.compressor(codec, codecLevels[codec].usual);
      fc.assert(
        fc.property(mixture, (unit) => {
          const into = new Uint8Array(compressor.bound(unit.length));
          const length = compressor.compress(unit, into, 0);
          expectSame(decompressed({ codecs, codec }, into.subarray(0, length), unit.length), unit);
        }),
        { numRuns: 60 },
      );
    });

    test('equal units give equal bytes, whatever came before', () => {
      using compressor = codecs.compressor(codec, codecLevels[codec].usual);
      const compress = (unit: Uint8Array): Uint8Array => {
        const into = new Uint8Array(compressor.bound(unit.length));
        return into.slice(0, compressor.compress(unit, into, 0));
      };
      const first = UNITS.map(compress);
      compressor.compress(noise(UNIT), new Uint8Array(100), 0);
      const again = UNITS.toReversed().map(compress).toReversed();
      expectSame(Buffer.concat(again), Buffer.concat(first));
    });

    test('the bound holds for bytes that do not shrink', () => {
      for (const length of [1, 100, 4096, UNIT, 2 * 1024 * 1024]) {
        const bytes = compressed({ codecs, codec }, noise(length));
        expect(bytes.length).toBeGreaterThan(0);
      }
    });

    test('what does not fit answers 0 and touches nothing outside the room', () => {
      using compressor = codecs.compressor(codec, codecLevels[codec].usual);
      const unit = noise(UNIT);
      for (const room of [0, 1, 7, 8, 31, 32, 33, 64, 1000, UNIT - 100, UNIT - 1]) {
        const buffer = new Uint8Array(50 + room + 50).fill(0xa5);
        expect(compressor.compress(unit, buffer.subarray(0, 50 + room), 50)).toBe(0);
        expect(isFilled(buffer.subarray(0, 50), 0xa5) && isFilled(buffer.subarray(50 + room), 0xa5)).toBe(true);
      }
    });

    test('a view into a larger buffer is read and written at its place, shared memory too', () => {
      using compressor = codecs.compressor(codec, codecLevels[codec].usual);
      using decompressor = codecs.decompressor(codec);
      const memory = new Uint8Array(new SharedArrayBuffer(4 * UNIT));
      const unit = memory.subarray(1001, 1001 + UNIT);
      unit.set(text(UNIT));
      const length = compressor.compress(unit, memory.subarray(UNIT * 2), 77);
      decompressor.decompress(memory.subarray(UNIT * 2 + 77, UNIT * 2 + 77 + length), memory.subarray(3 * UNIT, 4 * UNIT));
      expectSame(memory.slice(3 * UNIT), text(UNIT));
    });

    test('padding after the stream is no part of it', () => {
      const unit = text(UNIT);
      const bytes = compressed({ codecs, codec }, unit);
      for (const padding of [new Uint8Array(511), noise(300), bytes]) {
        expectSame(decompressed({ codecs, codec }, Buffer.concat([bytes, padding]), UNIT), unit);
      }
    });

    test('a stream that makes more or fewer bytes than asked for is refused', () => {
      const bytes = compressed({ codecs, codec }, text(UNIT));
      for (const length of [0, 1, UNIT - 1, UNIT + 1, UNIT * 4]) expect(() => decompressed({ codecs, codec }, bytes, length)).toThrow();
    });

    test('a stream cut anywhere is refused', () => {
      const bytes = compressed({ codecs, codec }, text(4096));
      for (let length = 0; length < bytes.length; length += 1) expect(() => decompressed({ codecs, codec }, bytes.slice(0, length), 4096)).toThrow();
    });

    test('flipped bits and noise give an error or other bytes, never a write outside', () => {
      using decompressor = codecs.decompressor(codec);
      const valid = [...UNITS.map((unit) => compressed({ codecs, codec }, unit.subarray(0, 8192))), noise(600)];
      const random = generator(7);
      const guarded = new Uint8Array(100 + 8192 + 100);
      for (let round = 0; round < 3000; round += 1) {
        const bytes = Uint8Array.from(valid[round % valid.length] ?? []);
        for (let flips = 1 + (round % 4); flips > 0; flips -= 1) flipBit(bytes, random() % (Math.min(bytes.length, 400) * 8));
        guarded.fill(0x5a);
        attempt(() => decompressor.decompress(bytes, guarded.subarray(100, 100 + 8192)));
        expect(isFilled(guarded.subarray(0, 100), 0x5a) && isFilled(guarded.subarray(8292), 0x5a)).toBe(true);
      }
      const unit = text(8192);
      const after = new Uint8Array(8192);
      decompressor.decompress(compressed({ codecs, codec }, unit), after);
      expectSame(after, unit);
    });

    test('a level it does not have is refused', () => {
      for (const level of [-1, 0, 1.5, 23]) expect(() => codecs.compressor(codec, level)).toThrow(RangeError);
    });
  });
});

describe.each(backEnds.flatMap((from) => backEnds.map((to) => ({ from, to, path: `${from.name} to ${to.name}` }))))('from $path', ({ from, to }) => {
  test.each(CODECS)('%s is understood', (codec) => {
    for (const unit of UNITS) expectSame(decompressed({ codecs: to, codec }, compressed({ codecs: from, codec }, unit), unit.length), unit);
  });
});

describe.each(backEnds.filter((codecs) => codecs !== pureCodecs).map((codecs) => ({ codecs, name: codecs.name })))(
  'a long unit compressed in steps by $name',
  ({ codecs }) => {
    const long = Buffer.concat([text(UNIT), noise(UNIT), text(6 * UNIT)]);

    test.each([1, 3, 9])('is stopped at often and comes out the same, at level %i', (level) => {
      using compressor = codecs.compressor('zstd', level);
      const into = new Uint8Array(compressor.bound(long.length));
      const whole = into.slice(0, compressor.compress(long, into, 0));
      const steps = walk(compressor.compressInSteps?.(long, into, 0));
      expect(steps.count).toBe(3);
      expectSame(into.subarray(0, steps.length), whole);
    });

    test('that does not fit answers 0, and one that is given up leaves no trace', () => {
      using compressor = codecs.compressor('zstd', 3);
      const into = new Uint8Array(compressor.bound(long.length));
      const length = compressor.compress(long, into, 0);
      expect(walk(compressor.compressInSteps?.(long, into.subarray(0, length - 1), 0)).length).toBe(0);
      const given = compressor.compressInSteps?.(long, into, 0);
      given?.next();
      given?.return(0);
      expect(compressor.compress(long, into, 0)).toBe(length);
    });
  },
);

function walk(steps: Generator<undefined, number> | undefined): { readonly count: number; readonly length: number } {
  if (!steps) expect.fail('There are no steps.');
  let count = 0;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return { count, length: step.value };
    count += 1;
  }
}

test('a machine without any of the libraries has the pure codecs', () => {
  const load = (name: string | null): never => {
    throw new Error(`${name} is not here.`);
  };
  expect(openNativeCodecs({ address: () => 0n, load }, { own: undefined })).toBe(pureCodecs);
});

interface Choice {
  readonly codecs: NativeCodecs;
  readonly codec: Codec;
  readonly level?: number;
}

function compressed({ codecs, codec, level }: Choice, unit: Uint8Array): Uint8Array {
  using compressor = codecs.compressor(codec, level ?? codecLevels[codec].usual);
  const into = new Uint8Array(compressor.bound(unit.length));
  const length = compressor.compress(unit, into, 0);
  expect(length).toBeGreaterThan(0);
  return into.slice(0, length);
}

function decompressed({ codecs, codec }: Choice, bytes: Uint8Array, length: number): Uint8Array {
  using decompressor = codecs.decompressor(codec);
  const into = new Uint8Array(length);
  decompressor.decompress(bytes, into);
  return into;
}

/** Byte by byte, without the cost of a readable difference. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

function levelsOf(codec: Codec): readonly number[] {
  const { min, max } = codecLevels[codec];
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
}

/** Repeats at every distance, as text has. */
function text(length: number): Uint8Array {
  const random = generator(length);
  const words = Array.from({ length: 300 }, () =>
    random()
      .toString(36)
      .slice(0, 3 + (random() % 6)),
  );
  let lines = '';
  while (lines.length < length) lines += `${words[random() % words.length]} `;
  return Uint8Array.from(Buffer.from(lines.slice(0, length)));
}

function noise(length: number): Uint8Array {
  const random = generator(length + 1);
  return Uint8Array.from({ length }, () => random() >>> 13);
}

/** xorshift32: the same bytes in every run. */
function generator(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const piece = fc.oneof(
  fc.record({ byte: fc.nat(255), length: fc.integer({ min: 1, max: 9000 }) }).map(({ byte, length }) => new Uint8Array(length).fill(byte)),
  fc.uint8Array({ minLength: 1, maxLength: 200 }),
  fc.integer({ min: 1, max: 9000 }).map(text),
);
const mixture = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => Uint8Array.from(Buffer.concat([...pieces, ...pieces.slice(0, 3)])));

const isFilled = (bytes: Uint8Array, value: number): boolean => bytes.every((byte) => byte === value);

function flipBit(bytes: Uint8Array, bit: number): void {
  const at = Math.floor(bit / 8);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
}

function attempt(call: () => void): void {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
  }
}

import { GIB, HyperError, KIB, LEAF_SIZE, MIB, TIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import type { WritableFile } from '../../file/byte-file.ts';
import { vhdxWriter } from './writer.ts';

/** The part of a run that lies in one piece. */
interface Part {
  readonly number: number;
  readonly piece: Buffer | undefined;
  readonly within: number;
  readonly at: number;
  readonly length: number;
}

/** A file that keeps what is written to it in pieces, however far apart. */
class SparseFile implements WritableFile {
  readonly path = 'sparse';
  readonly #pieces = new Map<number, Buffer>();
  size = 0;
  allocated: string[] = [];

  read(offset: number, into: Uint8Array): void {
    into.fill(0);
    for (const { piece, within, at, length } of this.#parts(offset, into.length)) if (piece) into.set(piece.subarray(within, within + length), at);
  }

  write(offset: number, bytes: Uint8Array): void {
    for (const { number, piece = Buffer.alloc(PIECE), within, at, length } of this.#parts(offset, bytes.length)) {
      piece.set(bytes.subarray(at, at + length), within);
      this.#pieces.set(number, piece);
    }
    this.size = Math.max(this.size, offset + bytes.length);
  }

  truncate(size: number): void {
    for (const [number, piece] of this.#pieces) piece.fill(0, Math.max(0, Math.min(PIECE, size - number * PIECE)));
    this.size = size;
  }

  allocate(range: { readonly offset: number; readonly length: number }, mode: string): void {
    this.allocated = [...this.allocated, `${mode} ${range.offset} ${range.length}`];
  }

  *#parts(offset: number, length: number): Generator<Part> {
    for (let at = 0; at < length;) {
      const number = Math.floor((offset + at) / PIECE);
      const within = (offset + at) % PIECE;
      const part = Math.min(PIECE - within, length - at);
      yield { number, piece: this.#pieces.get(number), within, at, length: part };
      at += part;
    }
  }

  /** Everything that is not zero, and where. */
  get content(): ReadonlyMap<number, string> {
    const used = [...this.#pieces].filter(([, piece]) => piece.some((byte) => byte !== 0));
    return new Map(used.toSorted(([a], [b]) => a - b).map(([number, piece]) => [number, piece.toString('latin1')]));
  }
}

const PIECE = 64 * KIB;
const UNITS = LEAF_SIZE / PIECE;
const plan = (virtualSize: number, settings: Omit<ImageSettings, 'format'> = {}): ReturnType<typeof vhdxWriter.plan> =>
  vhdxWriter.plan(virtualSize, { format: 'vhdx', ...settings });
const oneUnit = (unit: number): Uint32Array => Uint32Array.from({ length: UNITS }, (_, at) => (at === unit ? PIECE : 0));

describe('the layout of a dynamic disk', () => {
  test('allocates a block when its first unit comes, and puts units at their places in it', () => {
    const layout = vhdxWriter.layout(plan(TIB), new SparseFile());
    const placeOf = (leaf: number, unit: number): number => {
      const offsets = new Float64Array(UNITS);
      layout.place(leaf, oneUnit(unit), offsets);
      return offsets[unit] ?? 0;
    };
    const start = 4 * MIB;
    expect([placeOf(1, 3), placeOf(7, 0), placeOf(100, 63)]).toEqual([
      start + LEAF_SIZE + 3 * PIECE,
      start + 7 * LEAF_SIZE,
      start + 32 * MIB + 4 * LEAF_SIZE + 63 * PIECE,
    ]);
  });

  test('goes on after every mark, across pages of its table, forgetting what came later', () => {
    const choice = plan(TIB, { clusterSize: 4 * MIB });
    const leaves = [0, 5000, 5001, 8191, 8192, 40_000, Math.floor((TIB - 1) / LEAF_SIZE)];
    const run = (file: SparseFile, from: number, layout: ReturnType<typeof vhdxWriter.layout>): void => {
      for (const leaf of leaves.slice(from)) layout.place(leaf, oneUnit(leaf % UNITS), new Float64Array(UNITS));
      file.truncate(Math.max(file.size, 6 * MIB));
    };
    const whole = new SparseFile();
    const wholeLayout = vhdxWriter.layout(choice, whole);
    run(whole, 0, wholeLayout);
    wholeLayout.finish();
    for (const kept of [0, 1, 3, 4, 6]) {
      const file = new SparseFile();
      const first = vhdxWriter.layout(choice, file);
      run(file, 0, first);
      const mark = JSON.parse(JSON.stringify(first.flush(leaves[kept] ?? 0)));
      first.finish();
      file.truncate(mark.end);
      const second = vhdxWriter.layout(choice, file, mark);
      run(file, kept, second);
      second.finish();
      expect(file.size).toBe(whole.size);
      expect(file.content).toEqual(whole.content);
    }
  });

  test('refuses the mark of another layout', () => {
    expect(() => vhdxWriter.layout(plan(MIB), new SparseFile(), { end: 0, leaves: 0 })).toThrow('not made for a dynamic VHDX');
  });
});

describe('the layout of a fixed disk', () => {
  test.each([
    ['off', []],
    ['falloc', [`reserve ${4 * MIB} ${64 * MIB}`]],
    ['full', [`zero ${4 * MIB} ${64 * MIB}`]],
  ] as const)('has its length from the start, and preallocation %s', (preallocation, allocated) => {
    const file = new SparseFile();
    const layout = vhdxWriter.layout(plan(40 * MIB, { subformat: 'fixed', preallocation }), file);
    expect(file.size).toBe(68 * MIB);
    expect(file.allocated).toEqual(allocated);
    const offsets = new Float64Array(UNITS);
    layout.place(3, oneUnit(1), offsets);
    expect(offsets[1]).toBe(4 * MIB + 3 * LEAF_SIZE + PIECE);
    expect(layout.flush(4)).toEqual({ end: 68 * MIB, leaves: 4 });
  });
});

describe('a plan', () => {
  test('has blocks of 32 MiB and sectors of 512 bytes, and rounds the size up to a sector', () => {
    expect(plan(1000)).toEqual({
      virtualSize: 1024,
      unitSize: PIECE,
      placement: 'assigned',
      subformat: 'dynamic',
      blockSize: 32 * MIB,
      sectorSize: 512,
      preallocation: 'off',
    });
    expect(plan(1000, { sectorSize: 4096, clusterSize: MIB })).toMatchObject({ virtualSize: 4096, sectorSize: 4096, blockSize: MIB });
  });

  test.each<[string, number, Omit<ImageSettings, 'format'>]>([
    ['size above 0', 0, {}],
    ['64 TiB', 65 * TIB, {}],
    ['subformat thin', GIB, { subformat: 'thin' }],
    ['a block size of 524288', GIB, { clusterSize: 512 * KIB }],
    ['a block size of 3145728', GIB, { clusterSize: 3 * MIB }],
    ['a block size of 536870912', GIB, { clusterSize: 512 * MIB }],
    ['not 520', GIB, { sectorSize: 520 }],
    ['no compression', GIB, { compression: 'zstd' }],
    ['compression level', GIB, { compressionLevel: 3 }],
    ['refcount bits', GIB, { refcountBits: 16 }],
    ['preallocation full is not possible for a dynamic', GIB, { preallocation: 'full' }],
    ['preallocation metadata', GIB, { subformat: 'fixed', preallocation: 'metadata' }],
  ])('names what it cannot do: %s', (fragment, virtualSize, settings) => {
    expect(() => plan(virtualSize, settings)).toThrow(HyperError);
    expect(() => plan(virtualSize, settings)).toThrow(expect.objectContaining({ code: 'usage/invalid', message: expect.stringContaining(fragment) }));
  });
});

import { endOf, GIB, HyperError, KIB, MIB, TIB, type ByteRange, type Extent, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { blockSourceContract } from '@hypersdk/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteFile } from '../../file/byte-file.ts';
import { MemoryFile } from '../../file/memory-file.ts';
import type { DiskImage, OpenOptions } from '../disk-image.ts';
import { ImageSource } from '../image-source.ts';
import { rawReader } from '../raw/index.ts';
import { contentArbitrary, noise, settingsArbitrary } from './arbitrary-qcow2.ts';
import { buildQcow2, contentOf } from './build-qcow2.ts';
import { qcow2Reader } from './reader.ts';

const alone: OpenOptions = {
  references: 'refuse',
  depth: 0,
  openReference: (name) => {
    throw new Error(`${name} must not be opened.`);
  },
};

function imageOf(content: Uint8Array, settings: Omit<ImageSettings, 'format'> = {}): Buffer {
  const file = new MemoryFile();
  buildQcow2(file, contentOf(content), settings);
  return Buffer.from(file.bytes);
}

function readOf(image: DiskImage, range: ByteRange): Buffer {
  const into = Buffer.alloc(range.length, 0x77);
  image.read(range.offset, into);
  return into;
}

const wholeOf = (image: DiskImage): ByteRange => ({ offset: 0, length: image.virtualSize });

describe('a qcow2 image that we wrote', () => {
  test('reads as what was written, whatever its settings', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(contentArbitrary, settingsArbitrary, (content, settings) => {
        using image = qcow2Reader.open(new MemoryFile(imageOf(content, settings)), alone);
        expect(readOf(image, { offset: 0, length: content.length }).equals(content)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('has extents that tile any range, and zeros where they say so', { timeout: 60_000 }, () => {
    const range = fc.tuple(fc.nat(), fc.nat());
    fc.assert(
      fc.property(contentArbitrary, settingsArbitrary, range, (content, settings, [from, to]) => {
        using image = qcow2Reader.open(new MemoryFile(imageOf(content, settings)), alone);
        const [start = 0, end = 0] = [from % (content.length + 1), to % (content.length + 1)].toSorted((a, b) => a - b);
        let at = start;
        for (const extent of image.extents({ offset: start, length: end - start })) {
          expect(extent.offset).toBe(at);
          expect(extent.length).toBeGreaterThan(0);
          at = endOf(extent);
          if (extent.kind !== 'data') expect(content.subarray(extent.offset, at).every((byte) => byte === 0)).toBe(true);
        }
        expect(at).toBe(end);
      }),
      { numRuns: 100 },
    );
  });

  const content = Buffer.concat([noise(70_000), Buffer.alloc(200_000), noise(5_000, 9), Buffer.alloc(20_000, 3)]);
  const padded = Buffer.concat([content, Buffer.alloc(512 - (content.length % 512))]);
  describe.each([{ clusterSize: 512 }, { compression: 'zlib' as const }, { extendedL2: true, clusterSize: 16 * KIB }])('with %o', (settings) => {
    blockSourceContract(padded, async () => new ImageSource(qcow2Reader.open(new MemoryFile(imageOf(content, settings)), alone)));
  });

  test('says what it is', () => {
    const bytes = imageOf(content, { clusterSize: 4 * KIB, compression: 'zlib', refcountBits: 8, lazyRefcounts: true });
    using image = qcow2Reader.open(new MemoryFile(bytes), alone);
    expect(image.info).toEqual({
      format: 'qcow2',
      subformat: 'v3',
      virtualSize: padded.length,
      unitSize: 4 * KIB,
      compression: 'zlib',
      references: [],
      snapshotCount: 0,
      details: { version: 3, clusterSize: 4 * KIB, refcountBits: 8, lazyRefcounts: true, extendedL2: false, compressionType: 'zlib', dirty: false },
    });
  });
});

describe('a qcow2 image of others', () => {
  const content = noise(64 * KIB);

  test('whose last cluster is cut short reads the rest as zeros', () => {
    const bytes = imageOf(content, { clusterSize: 4 * KIB });
    using image = qcow2Reader.open(new MemoryFile(bytes.subarray(0, bytes.length - 100)), alone);
    expect(readOf(image, wholeOf(image)).equals(Buffer.concat([content.subarray(0, -100), Buffer.alloc(100)]))).toBe(true);
  });

  test('that lost a whole cluster is refused', () => {
    const bytes = imageOf(content, { clusterSize: 4 * KIB });
    using image = qcow2Reader.open(new MemoryFile(bytes.subarray(0, bytes.length - 4 * KIB)), alone);
    expect(() => readOf(image, wholeOf(image))).toThrow('past the end of memory');
  });

  test('with the dirty bit is read, and says so', () => {
    const bytes = imageOf(content);
    bytes.writeBigUInt64BE(1n, 72);
    using image = qcow2Reader.open(new MemoryFile(bytes), alone);
    expect(image.info.details['dirty']).toBe(true);
    expect(readOf(image, wholeOf(image)).equals(content)).toBe(true);
  });

  test('with a disk above the caller’s limit is refused', () => {
    const bytes = imageOf(content);
    expect(() => qcow2Reader.open(new MemoryFile(bytes), { ...alone, virtualSizeMax: 64 * KIB - 1 })).toThrow('above the limit of 65535');
  });

  test('with the largest L1 table opens without reading all of it', () => {
    const file = new SparseFile(8 * TIB);
    writeHeader(file, { clusterBits: 13, size: 32 * TIB, l1Count: 4 * MIB, l1Offset: GIB });
    using image = qcow2Reader.open(file, alone);
    expect(file.bytesRead).toBeLessThan(MIB);
    expect([...image.extents(wholeOf(image))]).toEqual([{ offset: 0, length: 32 * TIB, kind: 'hole' }]);
    expect(file.readLengthMax).toBeLessThanOrEqual(64 * KIB);
  });

  test('with one L2 table in two places of a large L1 table is refused when the second is met', () => {
    const file = new SparseFile(8 * TIB);
    writeHeader(file, { clusterBits: 13, size: 32 * TIB, l1Count: 4 * MIB, l1Offset: GIB });
    for (const index of [5, 3_000_000]) file.put(GIB + index * 8, u64(2 * GIB));
    using image = qcow2Reader.open(file, alone);
    expect(() => [...image.extents(wholeOf(image))]).toThrow('is used twice');
  });
});

describe('a chain of qcow2 images', () => {
  const base = noise(40_960);
  const overlayDisk = 64 * KIB;
  const files = new Map<string, Buffer>([
    ['base.raw', base],
    ['middle.qcow2', overlayOn('base.raw', 'raw')],
  ]);
  const openImage = (file: ByteFile, format: ImageFormat, o: OpenOptions): DiskImage => (format === 'raw' ? rawReader : qcow2Reader).open(file, o);
  const openReference = (name: string): MemoryFile => new MemoryFile(files.get(name) ?? Buffer.alloc(0), name);
  const beside: OpenOptions = { references: 'beside', depth: 0, openReference, openImage };

  /** An image of 64 KiB with 4 KiB clusters: the second one holds 0x22, the fourth reads as zeros, the others come from below. */
  function overlayOn(name: string, format: string): Buffer {
    const disk = Buffer.alloc(overlayDisk);
    disk.fill(0x22, 4 * KIB, 8 * KIB);
    const bytes = imageOf(disk, { clusterSize: 4 * KIB });
    bytes.writeBigUInt64BE(1n, Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0xff_ff_ff_ffn) + 3 * 8);
    bytes.writeUInt32BE(0xe2_79_2a_ca, 112);
    bytes.writeUInt32BE(format.length, 116);
    bytes.write(format, 120);
    bytes.write(name, 2048);
    bytes.writeBigUInt64BE(2048n, 8);
    bytes.writeUInt32BE(name.length, 16);
    return bytes;
  }

  const expected = Buffer.concat([
    base.subarray(0, 4096),
    Buffer.alloc(4096, 0x22),
    base.subarray(8192, 12288),
    Buffer.alloc(4096),
    base.subarray(16384),
    Buffer.alloc(overlayDisk - base.length),
  ]);

  test('reads through to its base, and as zeros beyond the end of a shorter one', () => {
    using image = qcow2Reader.open(new MemoryFile(overlayOn('middle.qcow2', 'qcow2'), 'top'), beside);
    expect(readOf(image, wholeOf(image)).equals(expected)).toBe(true);
    expect(image.files.map(({ path }) => path)).toEqual(['top', 'middle.qcow2', 'base.raw']);
    expect(image.info.references).toEqual(['middle.qcow2']);
    expect(image.info.details['backingFormat']).toBe('qcow2');
  });

  test('has the extents of all its images', () => {
    using image = qcow2Reader.open(new MemoryFile(overlayOn('base.raw', 'raw')), beside);
    const extents: Extent[] = [
      { offset: 0, length: 12288, kind: 'data' },
      { offset: 12288, length: 4096, kind: 'zero' },
      { offset: 16384, length: base.length - 16384, kind: 'data' },
      { offset: base.length, length: overlayDisk - base.length, kind: 'hole' },
    ];
    expect([...image.extents(wholeOf(image))]).toEqual(extents);
  });

  test('that bites its tail is refused', () => {
    files.set('a', overlayOn('b', 'qcow2')).set('b', overlayOn('a', 'qcow2'));
    expect(refusalOf(() => qcow2Reader.open(new MemoryFile(files.get('a'), 'a'), beside))).toMatchObject({
      code: 'image/refused-reference',
      message: expect.stringContaining('in its own chain'),
    });
  });

  test('of more than 16 images is refused', () => {
    for (let depth = 0; depth < 18; depth += 1) files.set(`level${depth}`, overlayOn(`level${depth + 1}`, 'qcow2'));
    expect(refusalOf(() => qcow2Reader.open(new MemoryFile(files.get('level0'), 'level0'), beside))).toMatchObject({
      message: expect.stringContaining('a chain of more than 16 images'),
    });
  });

  test('closes what it opened when it is refused, but not the file it was given', () => {
    const closed: string[] = [];
    class Watched extends MemoryFile {
      override [Symbol.dispose](): void {
        closed.push(this.path);
      }
    }
    files.set('broken', Buffer.alloc(16));
    const watching: OpenOptions = { ...beside, openReference: (name) => new Watched(files.get(name), name) };
    files.set('on-broken', overlayOn('broken', 'qcow2'));
    expect(() => qcow2Reader.open(new Watched(overlayOn('on-broken', 'qcow2'), 'top'), watching)).toThrow('fewer than its header');
    expect(closed).toEqual(['broken', 'on-broken']);
  });
});

function refusalOf(run: () => unknown): HyperError {
  try {
    run();
  } catch (error) {
    if (error instanceof HyperError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

/** A file of any size that holds zeros but for a few places; counts what is read. */
class SparseFile implements ByteFile {
  readonly path = 'sparse';
  readonly size: number;
  bytesRead = 0;
  readLengthMax = 0;
  readonly #places = new Map<number, Uint8Array>();

  constructor(size: number) {
    this.size = size;
  }

  put(offset: number, bytes: Uint8Array): void {
    this.#places.set(offset, bytes);
  }

  read(offset: number, into: Uint8Array): void {
    this.bytesRead += into.length;
    this.readLengthMax = Math.max(this.readLengthMax, into.length);
    into.fill(0);
    for (const [at, bytes] of this.#places) {
      const from = Math.max(offset, at);
      const to = Math.min(offset + into.length, at + bytes.length);
      if (from < to) into.set(bytes.subarray(from - at, to - at), from - offset);
    }
  }

  *extents(range: ByteRange): Generator<Extent> {
    yield { ...range, kind: 'data' };
  }

  [Symbol.dispose](): void {
    // Nothing is open.
  }
}

function writeHeader(
  file: SparseFile,
  {
    clusterBits,
    size,
    l1Count,
    l1Offset,
  }: { readonly clusterBits: number; readonly size: number; readonly l1Count: number; readonly l1Offset: number },
): void {
  const header = imageOf(Buffer.alloc(512)).subarray(0, 112);
  header.writeUInt32BE(clusterBits, 20);
  header.writeBigUInt64BE(BigInt(size), 24);
  header.writeUInt32BE(l1Count, 36);
  header.writeBigUInt64BE(BigInt(l1Offset), 40);
  file.put(0, header);
}

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { endOf, GIB, KIB, LEAF_SIZE, MIB, TIB, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReadableDiskFile, WritableDiskFile } from '../../file/disk-file.ts';
import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, OpenOptions } from '../disk-image.ts';
import { rawReader } from '../raw/index.ts';
import { noise } from './arbitrary-qcow2.ts';
import { buildQcow2, contentOf, type DiskContent } from './build-qcow2.ts';
import { qcow2Reader } from './reader.ts';
import { qcow2Writer } from './writer.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qcow2-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const qemuImg = (...args: readonly string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8', cwd: folder });
const qemuIo = (image: string, ...commands: readonly string[]): string =>
  execFileSync('qemu-io', ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), image], { encoding: 'utf8', cwd: folder });

function open(name: string): DiskImage {
  const o: OpenOptions = {
    references: 'beside',
    depth: 0,
    openReference: (reference) => ReadableDiskFile.open(at(reference), { follow: false }),
    openImage: (file: ByteFile, format: ImageFormat, below: OpenOptions) => (format === 'raw' ? rawReader : qcow2Reader).open(file, below),
  };
  return qcow2Reader.open(ReadableDiskFile.open(at(name)), o);
}

/** Reads the whole image by its extents, in pieces that start anywhere. */
function contentRead(name: string): Buffer {
  using image = open(name);
  const bytes = Buffer.alloc(image.virtualSize);
  let position = 0;
  for (const extent of image.extents({ offset: 0, length: image.virtualSize })) {
    expect(extent.offset).toBe(position);
    position = endOf(extent);
    for (let from = extent.offset; extent.kind === 'data' && from < position; from += 77_777)
      image.read(from, bytes.subarray(from, Math.min(position, from + 77_777)));
  }
  expect(position).toBe(image.virtualSize);
  return bytes;
}

/** Reads the whole image at once, and again through `locate` where the bytes lie in a file. */
function expectSameAs(name: string, expected: Buffer): void {
  expect(contentRead(name).equals(expected), 'by extents').toBe(true);
  using image = open(name);
  const whole = Buffer.alloc(image.virtualSize);
  image.read(0, whole);
  expect(whole.equals(expected), 'at once').toBe(true);
  for (let offset = 0; offset < image.virtualSize;) {
    const run = image.locate?.({ offset, length: image.virtualSize - offset });
    const file = image.files.find(({ fd }) => fd === run?.fd);
    const length = run?.length ?? Math.min(512, image.virtualSize - offset);
    const located = Buffer.alloc(length);
    if (run && file) file.read(run.fileOffset, located);
    if (run) expect(located.equals(expected.subarray(offset, offset + length)), `located at ${offset}`).toBe(true);
    offset += length;
  }
}

/** What qemu-img makes of the image. */
function contentByQemu(name: string): Buffer {
  qemuImg('convert', '-f', 'qcow2', '-O', 'raw', name, 'by-qemu.raw');
  return readFileSync(at('by-qemu.raw'));
}

/** A disk of 5 MiB and some sectors: islands of noise and of repeated bytes, at odd places. */
function islands(): Buffer {
  const disk = Buffer.alloc(5 * MIB + 3 * 512);
  for (const [offset, length, kind] of [
    [0, 100, 0],
    [65_000, 200_000, 1],
    [1_000_000, 300_001, 0],
    [3 * MIB - 7, 14, 1],
    [4 * MIB, 65_536, 0],
    [disk.length - 512, 512, 1],
  ] as const) {
    disk.set(kind === 0 ? noise(length, offset + 1) : Buffer.alloc(length, 1 + (offset % 250)), offset);
  }
  return disk;
}

describe.skipIf(missing('qemu-img', 'qemu-io'))('an image that qemu made', { timeout: 60_000 }, () => {
  const options = [
    ...[512, 1024, 4096, 65536, 2097152].map((size) => `cluster_size=${size}`),
    'compat=0.10',
    'lazy_refcounts=on',
    'refcount_bits=1',
    'refcount_bits=64',
    'extended_l2=on',
    'extended_l2=on,cluster_size=16k',
    'extended_l2=on,cluster_size=2M',
    'preallocation=metadata',
    'preallocation=falloc',
    'preallocation=full',
  ];
  test.each(options)('with %s reads as its content', (option) => {
    writeFileSync(at('source.raw'), islands());
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-o', option, 'source.raw', 'made.qcow2');
    expectSameAs('made.qcow2', islands());
  });

  test.each([
    'compression_type=zlib',
    'compression_type=zstd',
    'cluster_size=512',
    'cluster_size=2M',
    'cluster_size=2M,compression_type=zstd',
    'extended_l2=on',
    'compat=0.10',
    'refcount_bits=1',
  ])('compressed with %s reads as its content', (option) => {
    writeFileSync(at('source.raw'), islands());
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-c', '-o', option, 'source.raw', 'made.qcow2');
    expectSameAs('made.qcow2', islands());
  });

  test.each(['cluster_size=64k', 'cluster_size=512', 'extended_l2=on', 'extended_l2=on,cluster_size=16k', 'compat=0.10'])(
    'rewritten, discarded and zeroed with %s reads as qemu reads it',
    (option) => {
      qemuImg('create', '-q', '-f', 'qcow2', '-o', option, 'busy.qcow2', '8M');
      qemuIo('busy.qcow2', 'write -P 1 0 3M', 'write -P 2 5M 1M', 'write -P 3 1000k 17k');
      qemuIo(
        'busy.qcow2',
        'discard 256k 512k',
        'write -z 1M 300k',
        'write -z -u 2M 128k',
        'write -P 4 5300k 3k',
        'write -z 5400k 2k',
        'write -P 5 64k 64k',
        'discard 5M 64k',
      );
      if (!option.includes('extended')) qemuIo('busy.qcow2', 'write -c -P 6 6M 64k', 'write -c -P 7 6272k 64k');
      expectSameAs('busy.qcow2', contentByQemu('busy.qcow2'));
    },
  );

  test('with internal snapshots reads as its active state', () => {
    qemuImg('create', '-q', '-f', 'qcow2', 'snaps.qcow2', '4M');
    qemuIo('snaps.qcow2', 'write -P 1 0 2M');
    qemuImg('snapshot', '-c', 'first', 'snaps.qcow2');
    qemuIo('snaps.qcow2', 'write -P 2 1M 2M', 'discard 0 64k');
    qemuImg('snapshot', '-c', 'second', 'snaps.qcow2');
    qemuIo('snaps.qcow2', 'write -P 3 512k 1k');
    using image = open('snaps.qcow2');
    expect(image.info.snapshotCount).toBe(2);
    expectSameAs('snaps.qcow2', contentByQemu('snaps.qcow2'));
  });

  test('with dirty bitmaps reads as its content', () => {
    qemuImg('create', '-q', '-f', 'qcow2', 'bitmaps.qcow2', '2M');
    qemuImg('bitmap', '--add', 'bitmaps.qcow2', 'backup');
    qemuIo('bitmaps.qcow2', 'write -P 1 100k 300k');
    expectSameAs('bitmaps.qcow2', contentByQemu('bitmaps.qcow2'));
  });

  test('resized, so that its L1 table moved, reads as qemu reads it', () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', 'resized.qcow2', '1M');
    qemuIo('resized.qcow2', 'write -P 1 0 1M');
    qemuImg('resize', '-q', 'resized.qcow2', '9M');
    qemuIo('resized.qcow2', 'write -P 2 8M 1M');
    expectSameAs('resized.qcow2', contentByQemu('resized.qcow2'));
    qemuImg('resize', '-q', '--shrink', 'resized.qcow2', '700k');
    expectSameAs('resized.qcow2', contentByQemu('resized.qcow2'));
  });

  // qemu times its own key derivation, and gives up now and then when a tick of the clock is too coarse for that.
  test('encrypted is refused', { retry: 10 }, () => {
    const secret = ['--object', 'secret,id=key,data=correct horse'];
    qemuImg('create', '-q', ...secret, '-f', 'qcow2', '-o', 'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=50', 'locked.qcow2', '1M');
    expect(() => open('locked.qcow2')).toThrow('its content is encrypted (LUKS)');
  });

  test('on a shorter backing file reads through it', () => {
    writeFileSync(at('base.raw'), noise(1_000_448));
    qemuImg('create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'middle.qcow2', '3M');
    qemuIo('middle.qcow2', 'write -P 1 900k 200k', 'write -z 0 128k');
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'extended_l2=on', '-b', 'middle.qcow2', '-F', 'qcow2', 'top.qcow2', '4M');
    qemuIo('top.qcow2', 'write -P 2 200k 1k', 'write -z 300k 4k', 'write -P 3 3500k 10k');
    expectSameAs('top.qcow2', contentByQemu('top.qcow2'));
  });

  test.each(['data_file=content.raw', 'data_file=content.raw,data_file_raw=on'])('with %s reads from that file', (option) => {
    rmSync(at('content.raw'), { force: true });
    qemuImg('create', '-q', '-f', 'qcow2', '-o', option, 'outside.qcow2', '4M');
    qemuIo('outside.qcow2', 'write -P 1 0 100k', 'write -P 2 2M 500k', 'discard 64k 64k', 'write -z 2100k 100k');
    expectSameAs('outside.qcow2', contentByQemu('outside.qcow2'));
    using image = open('outside.qcow2');
    expect(image.info.references).toEqual(['content.raw']);
  });

  test('with content beyond 4 GiB in the file reads right', () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', 'far.qcow2', '5G');
    qemuIo('far.qcow2', 'write -P 1 2047M 2M', 'write -P 2 4095M 2M', `write -P 3 ${5 * GIB - 64 * KIB} 64k`);
    using image = open('far.qcow2');
    for (const [offset, length, byte] of [
      [2047 * MIB, 2 * MIB, 1],
      [4095 * MIB, 2 * MIB, 2],
      [5 * GIB - 64 * KIB, 64 * KIB, 3],
    ] as const) {
      const bytes = Buffer.alloc(length);
      image.read(offset, bytes);
      expect(bytes.equals(Buffer.alloc(length, byte))).toBe(true);
    }
    // What was only preallocated is a hole of the file and need not be read.
    const data = [...image.extents({ offset: 0, length: image.virtualSize })].filter(({ kind }) => kind === 'data');
    expect(data.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(8 * MIB);
  });

  test('in random ways reads as qemu reads it', () => {
    let state = 42;
    const next = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (const option of ['cluster_size=4k', 'cluster_size=512', 'extended_l2=on,cluster_size=16k', 'compression_type=zstd,cluster_size=32k']) {
      qemuImg('create', '-q', '-f', 'qcow2', '-o', option, 'random.qcow2', '6M');
      const commands = Array.from({ length: 120 }, () => {
        const offset = next(11 * 1024) * 512;
        const length = (1 + next(200)) * 512;
        return (
          [
            `write -P ${1 + next(255)} ${offset} ${length}`,
            `write -z ${offset} ${length}`,
            `write -z -u ${offset} ${length}`,
            `discard ${offset} ${length}`,
          ][next(4)] ?? ''
        );
      });
      qemuIo('random.qcow2', ...commands);
      expectSameAs('random.qcow2', contentByQemu('random.qcow2'));
    }
  });
});

describe.skipIf(missing('qemu-img', 'qemu-io'))('an image that we made', { timeout: 60_000 }, () => {
  const settings: readonly Omit<ImageSettings, 'format'>[] = [
    ...[512, 4096, 65536, 2097152].flatMap((clusterSize) => (['none', 'zlib', 'zstd'] as const).map((compression) => ({ clusterSize, compression }))),
    ...[1, 2, 4, 8, 32, 64].flatMap((refcountBits) =>
      (['none', 'zlib'] as const).map((compression) => ({ refcountBits, compression, clusterSize: 1024 })),
    ),
    { compatVersion: 2 },
    { compatVersion: 2, compression: 'zlib' },
    { lazyRefcounts: true },
    ...[16 * KIB, 64 * KIB, 2 * MIB].flatMap((clusterSize) =>
      (['none', 'zlib', 'zstd'] as const).map((compression) => ({ clusterSize, compression, extendedL2: true })),
    ),
    ...(['metadata', 'falloc', 'full'] as const).flatMap((preallocation) => [
      { preallocation },
      { preallocation, clusterSize: 512 },
      { preallocation, extendedL2: true },
    ]),
  ];

  test.each(settings)('with %o is clean and equal for qemu', (choice) => {
    writeFileSync(at('source.raw'), islands());
    const { report } = make('ours.qcow2', contentOf(islands()), choice);
    expect(report).toMatchObject({ 'check-errors': 0 });
    expect(report).not.toHaveProperty('corruptions');
    expect(report).not.toHaveProperty('leaks');
    expect(qemuImg('compare', '-f', 'raw', '-F', 'qcow2', 'source.raw', 'ours.qcow2')).toContain('identical');
    expectSameAs('ours.qcow2', islands());
  });

  test.each([0, 1, 511, 100_001])('of an odd size of %i bytes is equal for qemu', (size) => {
    writeFileSync(at('source.raw'), noise(size));
    make('ours.qcow2', contentOf(noise(size)), {});
    expect(qemuImg('compare', '-f', 'raw', '-F', 'qcow2', 'source.raw', 'ours.qcow2')).toContain('identical');
  });

  test('can be written on by qemu', () => {
    make('ours.qcow2', contentOf(islands()), { compression: 'zstd', extendedL2: true });
    qemuIo('ours.qcow2', 'write -P 9 100k 300k', 'discard 2M 1M', 'write -P 8 5000k 100k');
    expect(checkOf('ours.qcow2')).toMatchObject({ 'check-errors': 0 });
    expectSameAs('ours.qcow2', contentByQemu('ours.qcow2'));
  });

  test('of a huge sparse disk is clean and small', () => {
    const island = noise(LEAF_SIZE);
    const disk: DiskContent = {
      virtualSize: 16 * TIB,
      leaves: [0, 1_000_000, 4_194_303],
      read: (_offset, into) => into.set(island.subarray(0, into.length)),
    };
    const { report } = make('ours.qcow2', disk, {});
    expect(report).toMatchObject({ 'check-errors': 0, 'allocated-clusters': 192 });
    expect(statSync(at('ours.qcow2')).size).toBeLessThan(14 * MIB);
    using image = open('ours.qcow2');
    const data = [...image.extents({ offset: 0, length: image.virtualSize })].filter(({ kind }) => kind === 'data');
    expect(data).toEqual(disk.leaves.map((leaf) => ({ offset: leaf * LEAF_SIZE, length: LEAF_SIZE, kind: 'data' })));
    const bytes = Buffer.alloc(LEAF_SIZE);
    image.read(16 * TIB - LEAF_SIZE, bytes);
    expect(bytes.equals(island)).toBe(true);
  });

  test('keeps offsets exact where the file passes 2 and 4 GiB', () => {
    // Preallocation spreads few leaves of content over a file of 5 GiB.
    const disk: DiskContent = {
      virtualSize: 5 * GIB,
      leaves: [511, 512, 1023, 1024, 1279],
      read: (offset, into) => into.set(noise(into.length, 1 + offset / LEAF_SIZE)),
    };
    const { report } = make('ours.qcow2', disk, { preallocation: 'metadata' });
    expect(report).toMatchObject({ 'check-errors': 0 });
    using image = open('ours.qcow2');
    for (const leaf of disk.leaves) {
      const bytes = Buffer.alloc(LEAF_SIZE);
      image.read(leaf * LEAF_SIZE, bytes);
      expect(bytes.equals(noise(LEAF_SIZE, 1 + leaf))).toBe(true);
    }
    writeSparse(at('source.raw'), disk);
    expect(qemuImg('compare', '-f', 'raw', '-F', 'qcow2', 'source.raw', 'ours.qcow2')).toContain('identical');
  });

  test('finds compressed content that lies beyond 4 GiB of the file', () => {
    rmSync(at('ours.qcow2'), { force: true });
    const plan = qcow2Writer.plan(6 * GIB, { format: 'qcow2', compression: 'zlib' });
    const stored = new Uint8Array(plan.unitSize);
    {
      using file = WritableDiskFile.open(at('ours.qcow2'), 'create');
      using encoder = qcow2Writer.encoder(plan);
      const layout = qcow2Writer.layout(plan, file);
      // These clusters get their places and are never written: they are holes of the file.
      for (let leaf = 0; leaf < 1100; leaf += 1) layout.place(leaf, new Uint32Array(64).fill(plan.unitSize), new Float64Array(64));
      const length = encoder?.encode(new Uint8Array(plan.unitSize).fill(7), 0, stored, 0) ?? 0;
      const offsets = new Float64Array(64);
      layout.place(1100, new Uint32Array(64).fill(length), offsets);
      for (const offset of offsets) file.write(offset, stored.subarray(0, length));
      layout.finish();
      expect(offsets[0]).toBeGreaterThan(4 * GIB);
    }
    expect(checkOf('ours.qcow2')).toMatchObject({ 'check-errors': 0, 'compressed-clusters': 64 });
    expect(qemuIo('ours.qcow2', `read -P 7 ${1100 * LEAF_SIZE} 4M`)).toContain('read 4194304/4194304');
    using image = open('ours.qcow2');
    const bytes = Buffer.alloc(LEAF_SIZE);
    image.read(1100 * LEAF_SIZE, bytes);
    expect(bytes.equals(Buffer.alloc(LEAF_SIZE, 7))).toBe(true);
  });

  function make(name: string, content: DiskContent, choice: Omit<ImageSettings, 'format'>): { readonly report: unknown } {
    rmSync(at(name), { force: true });
    {
      using file = WritableDiskFile.open(at(name), 'create');
      buildQcow2(file, content, choice);
    }
    return { report: checkOf(name) };
  }

  const checkOf = (name: string): unknown => JSON.parse(qemuImg('check', '-f', 'qcow2', '--output=json', basename(name)));

  function writeSparse(path: string, { virtualSize, leaves, read }: DiskContent): void {
    writeFileSync(path, '');
    truncateSync(path, virtualSize);
    const fd = openSync(path, 'r+');
    const bytes = Buffer.alloc(LEAF_SIZE);
    for (const leaf of leaves) {
      read(leaf * LEAF_SIZE, bytes);
      writeSync(fd, bytes, 0, bytes.length, leaf * LEAF_SIZE);
    }
    closeSync(fd);
  }
});

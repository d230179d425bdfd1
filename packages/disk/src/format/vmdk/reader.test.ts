import { deflateSync } from 'node:zlib';
import { KIB, MIB, type ByteRange } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { extentsOf } from '../build-islands.ts';
import type { DiskImage, OpenOptions } from '../disk-image.ts';
import { buildVmdk } from './build-vmdk.ts';
import { editDescriptor, editVmdk } from './edit-vmdk.ts';
import { vmdkReader } from './reader.ts';
import { vmdkContainers } from './vmdk-plan.ts';

const UNIT = 64 * KIB;

/** A file in memory that counts how often it was closed and passes for one with a descriptor. */
class WatchedFile extends MemoryFile {
  readonly fd = 99;
  closed = 0;
  reads = 0;

  override read(offset: number, into: Uint8Array): void {
    this.reads += 1;
    super.read(offset, into);
  }

  override [Symbol.dispose](): void {
    this.closed += 1;
  }
}

const optionsOf = (files: Readonly<Record<string, MemoryFile>>): OpenOptions => ({
  references: 'beside',
  depth: 0,
  openReference: (name) => files[name] ?? expect.unreachable(`${name} was opened`),
});
const open = (bytes: Uint8Array, files: Readonly<Record<string, MemoryFile>> = {}): DiskImage =>
  vmdkReader.open(new WatchedFile(bytes, 'x.vmdk'), optionsOf(files));
const readOf = (image: DiskImage, { offset, length }: ByteRange): Uint8Array => {
  const into = new Uint8Array(length).fill(0xee);
  image.read(offset, into);
  return into;
};
const described = (createType: string, ...extents: readonly string[]): Uint8Array =>
  Buffer.from(
    [
      '# Disk DescriptorFile',
      'version=1',
      'CID=fffffffe',
      'parentCID=ffffffff',
      `createType="${createType}"`,
      ...extents,
      'ddb.adapterType = "ide"',
      '',
    ].join('\r\n'),
  );

describe('probe', () => {
  test.each([
    ['a sparse header', Buffer.from('KDMV\x01\0\0\0'), true],
    ['a descriptor', Buffer.from('# Disk DescriptorFile\nversion=1\n'), true],
    ['a descriptor in other letters', Buffer.from('# disk descriptorfile\r\n'), true],
    ['an ESX 3 extent', Buffer.from('COWD\x01'), true],
    ['a qcow2 header', Buffer.from('QFI\xfb'), false],
    ['other text', Buffer.from('# Disk'), false],
    ['nothing', new Uint8Array(0), false],
  ])('%s', (_, head, expected) => {
    expect(vmdkReader.probe(head)).toBe(expected);
  });
});

test.each(vmdkContainers)('a %s disk gives the same bytes in any order and in any pieces', (subformat) => {
  const disk = new Uint8Array(3 * UNIT + 1024).map((_, at) => ((at * 7919) >> 5) + (at >> 16) * 31);
  using image = open(buildVmdk(disk, { subformat }));
  for (const [offset, length] of [
    [UNIT - 1, 2],
    [0, 1],
    [2 * UNIT + 5, UNIT],
    [10, 3 * UNIT],
    [3 * UNIT, 1024],
    [0, UNIT],
  ] as const) {
    expect(Buffer.compare(readOf(image, { offset, length }), disk.subarray(offset, offset + length))).toBe(0);
  }
});

describe('a sparse disk', () => {
  const disk = new Uint8Array(40 * MIB);
  disk
    .fill(1, 0, UNIT)
    .fill(2, UNIT, 2 * UNIT)
    .fill(3, 4 * UNIT, 5 * UNIT)
    .fill(4, 33 * MIB, 33 * MIB + 10);

  test('describes itself', () => {
    using image = open(buildVmdk(disk));
    expect(image.info).toEqual({
      format: 'vmdk',
      subformat: 'monolithicSparse',
      virtualSize: 40 * MIB,
      unitSize: UNIT,
      references: [],
      snapshotCount: 0,
      details: {
        createType: 'monolithicSparse',
        contentId: 'fffffffe',
        extentCount: 1,
        adapterType: 'lsilogic',
        headerVersion: 1,
        uncleanShutdown: false,
      },
    });
  });

  test('clips its extents to the range asked for', () => {
    using image = open(buildVmdk(disk));
    expect(extentsOf(image, { offset: UNIT + 100, length: 4 * UNIT })).toEqual([
      { offset: UNIT + 100, length: UNIT - 100, kind: 'data' },
      { offset: 2 * UNIT, length: 2 * UNIT, kind: 'hole' },
      { offset: 4 * UNIT, length: UNIT, kind: 'data' },
      { offset: 5 * UNIT, length: 100, kind: 'hole' },
    ]);
  });

  test('locates runs that lie one after the other in the file, across grains', () => {
    const bytes = buildVmdk(disk);
    using image = open(bytes);
    const run = image.locate?.({ offset: 512, length: MIB });
    // Grains 0, 1 and 4 follow each other in the file, but 2 and 3 come between them on the disk.
    expect(run).toMatchObject({ fd: 99, length: 2 * UNIT - 512 });
    const [start, end] = [run?.fileOffset ?? 0, (run?.fileOffset ?? 0) + (run?.length ?? 0)];
    expect(Buffer.compare(bytes.subarray(start, end), disk.subarray(512, 2 * UNIT))).toBe(0);
    expect(image.locate?.({ offset: 2 * UNIT, length: UNIT })).toBeUndefined();
  });

  test('takes entries of 1 for zeros when its header says so', () => {
    const bytes = editVmdk('monolithicSparse', ({ view, table }) => {
      view.setUint32(4, 2, true);
      view.setUint32(8, 0x7, true);
      view.setUint32(table + 4, 1, true);
    });
    using image = open(bytes);
    expect(extentsOf(image, { offset: 0, length: 3 * UNIT }).map(({ kind }) => kind)).toEqual(['data', 'zero', 'hole']);
    expect(readOf(image, { offset: UNIT, length: UNIT })).toEqual(new Uint8Array(UNIT));
  });

  test('reads no table of grains that do not exist', () => {
    const file = new WatchedFile(editVmdk('monolithicSparse', ({ view, directory }) => view.setUint32(directory, 0, true)));
    using image = vmdkReader.open(file, optionsOf({}));
    file.reads = 0;
    expect(extentsOf(image, { offset: 0, length: 32 * MIB })).toEqual([{ offset: 0, length: 32 * MIB, kind: 'hole' }]);
    expect(file.reads).toBe(0);
  });

  test('reads a table once however often it is used, and closes its file once', () => {
    const file = new WatchedFile(buildVmdk(disk));
    const image = vmdkReader.open(file, optionsOf({}));
    readOf(image, { offset: 0, length: 10 });
    file.reads = 0;
    for (let at = 0; at < 50; at += 1) readOf(image, { offset: at * 1000, length: 10 });
    expect(file.reads).toBe(50);
    image[Symbol.dispose]();
    expect(file.closed).toBe(1);
  });

  test('has the size of its descriptor when a program rounded the header up to whole grains', () => {
    using image = open(editVmdk('monolithicSparse', (edited) => editDescriptor(edited, 'RW 81920', 'RW 81793')));
    expect(image.virtualSize).toBe(81793 * 512);
  });

  test('leaves the file to its caller when it refuses', () => {
    const file = new WatchedFile(editVmdk('monolithicSparse', ({ view }) => view.setUint32(4, 9, true)));
    expect(() => vmdkReader.open(file, optionsOf({}))).toThrow('version 9');
    expect(file.closed).toBe(0);
  });
});

describe('a stream-optimized disk', () => {
  test('says that it is compressed and locates nothing', () => {
    using image = open(buildVmdk(new Uint8Array(MIB).fill(1), { subformat: 'streamOptimized' }));
    expect(image.info).toMatchObject({ subformat: 'streamOptimized', compression: 'zlib', unitSize: UNIT });
    expect(image.locate?.({ offset: 0, length: UNIT })).toBeUndefined();
  });

  test('may hold a last grain of only what the disk has left', () => {
    const disk = new Uint8Array(UNIT + 1024).fill(9);
    const bytes = buildVmdk(disk, { subformat: 'streamOptimized' });
    const view = new DataView(bytes.buffer);
    const directory = Number(view.getBigUint64(bytes.length - 1024 + 56, true)) * 512;
    const last = view.getUint32(view.getUint32(directory, true) * 512 + 4, true) * 512;
    const stored = deflateSync(new Uint8Array(1024).fill(8));
    bytes.set(stored, last + 12);
    view.setUint32(last + 8, stored.length, true);
    using image = open(bytes);
    expect(readOf(image, { offset: UNIT, length: 1024 })).toEqual(new Uint8Array(1024).fill(8));
  });
});

describe('a disk of several files', () => {
  const sparse = (value: number): WatchedFile => {
    const bytes = buildVmdk(new Uint8Array(MIB).fill(value));
    // Extents of a larger disk have no descriptor of their own.
    new DataView(bytes.buffer).setBigUint64(36, 0n, true);
    return new WatchedFile(bytes);
  };

  test('is its extents one after the other, zeros and flat parts of files among them', () => {
    const files = { a: new WatchedFile(new Uint8Array(8192).fill(1)), 'b b': new WatchedFile(new Uint8Array(8192).fill(2)) };
    const image = open(described('twoGbMaxExtentFlat', 'RW 8 FLAT "a" 8', 'RW 2 ZERO', 'RDONLY 16 FLAT "b b"'), files);
    expect(image.virtualSize).toBe(26 * 512);
    expect(image.files).toHaveLength(3);
    expect(image.info).toMatchObject({
      subformat: 'twoGbMaxExtentFlat',
      unitSize: 4096,
      references: ['a', 'b b'],
      details: { adapterType: 'ide', extentCount: 3 },
    });
    expect(extentsOf(image, { offset: 512, length: 6000 })).toEqual([
      { offset: 512, length: 3584, kind: 'data' },
      { offset: 4096, length: 1024, kind: 'zero' },
      { offset: 5120, length: 1392, kind: 'data' },
    ]);
    expect([...readOf(image, { offset: 4095, length: 1026 })].map(String).join('')).toBe(`1${'0'.repeat(1024)}2`);
    expect(image.locate?.({ offset: 100, length: 9000 })).toEqual({ fd: 99, fileOffset: 4196, length: 3996 });
    expect(image.locate?.({ offset: 4096, length: 512 })).toBeUndefined();
    image[Symbol.dispose]();
    expect([files.a.closed, files['b b'].closed]).toEqual([1, 1]);
  });

  test('may be sparse', () => {
    using image = open(described('twoGbMaxExtentSparse', 'RW 2048 SPARSE "s1"', 'RW 2048 SPARSE "s2"'), { s1: sparse(1), s2: sparse(2) });
    expect(image.info).toMatchObject({ unitSize: UNIT, virtualSize: 2 * MIB });
    expect([...readOf(image, { offset: MIB - 1, length: 2 })]).toEqual([1, 2]);
  });

  test('may be a flat disk of an ESXi datastore', () => {
    using image = open(described('vmfs', 'RW 8 VMFS "x-flat.vmdk"'), { 'x-flat.vmdk': new WatchedFile(new Uint8Array(4096).fill(7)) });
    expect(readOf(image, { offset: 4000, length: 96 })).toEqual(new Uint8Array(96).fill(7));
  });

  test('closes what it opened when one extent is refused', () => {
    const files = { s1: sparse(1), s2: new WatchedFile(new Uint8Array(600)) };
    expect(() => open(described('twoGbMaxExtentSparse', 'RW 2048 SPARSE "s1"', 'RW 2048 SPARSE "s2"'), files)).toThrow('magic number');
    expect([files.s1.closed, files.s2.closed]).toEqual([1, 1]);
  });

  test.each([
    ['a flat file shorter than its extent', described('monolithicFlat', 'RW 100 FLAT "a" 0'), 'it ends at 8192'],
    [
      'a sparse file of another size',
      described('twoGbMaxExtentSparse', 'RW 4096 SPARSE "s"'),
      'its descriptor says 2097152 bytes and its header 1048576',
    ],
    ['a descriptor that names itself', described('monolithicFlat', 'RW 2 FLAT "x.vmdk" 0'), 'names itself'],
  ])('refuses %s', (_, bytes, message) => {
    const files = { a: new WatchedFile(new Uint8Array(8192)), s: sparse(1), 'x.vmdk': new WatchedFile(bytes, 'x.vmdk') };
    expect(() => open(bytes, files)).toThrow(message);
  });
});

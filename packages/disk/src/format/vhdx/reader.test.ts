import { KIB, MIB, type ByteRange, type ReferencePolicy } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { extentsOf } from '../build-islands.ts';
import type { DiskImage } from '../disk-image.ts';
import { BITMAP_ENTRY, buildChild, type ChildToBuild } from './build-child.ts';
import { AT, DISK_SIZE, editVhdx, sectorChange, type EditedVhdx } from './edit-vhdx.ts';
import { vhdxReader } from './reader.ts';

/** A file in memory that counts how often it was closed and passes for one with a descriptor. */
class WatchedFile extends MemoryFile {
  readonly fd = 99;
  closed = 0;

  override [Symbol.dispose](): void {
    this.closed += 1;
  }
}

type Files = Readonly<Record<string, MemoryFile>>;
const open = (file: MemoryFile, files: Files = {}, references: ReferencePolicy = 'beside'): DiskImage =>
  vhdxReader.open(file, { references, depth: 0, openReference: (name) => files[name] ?? expect.unreachable(`${name} was opened`) });
const openEdited = (edit: (image: EditedVhdx) => Uint8Array | void): DiskImage => open(new WatchedFile(editVhdx(edit), 'x.vhdx'));
const readOf = (image: DiskImage, { offset, length }: ByteRange): Uint8Array => {
  const into = new Uint8Array(length).fill(0xee);
  image.read(offset, into);
  return into;
};
const firstBytes = (image: DiskImage): readonly number[] =>
  Array.from({ length: DISK_SIZE / MIB }, (_, block) => readOf(image, { offset: block * MIB, length: 1 })[0] ?? -1);
const nothing = (): void => undefined;

test.each([
  ['an image', Buffer.from('vhdxfile and more'), true],
  ['a VHD', Buffer.from('conectix'), false],
  ['a piece of the signature', Buffer.from('vhdxfil'), false],
  ['nothing', new Uint8Array(0), false],
])('%s is told by its first bytes', (_, head, expected) => {
  expect(vhdxReader.probe(head)).toBe(expected);
});

describe('a dynamic disk', () => {
  test('describes itself', () => {
    using image = openEdited(nothing);
    expect(image.info).toMatchObject({
      format: 'vhdx',
      subformat: 'dynamic',
      virtualSize: DISK_SIZE,
      unitSize: MIB,
      references: [],
      snapshotCount: 0,
      details: { blockSize: MIB, logicalSectorSize: 512, physicalSectorSize: 4096, logReplayed: false },
    });
  });

  test('has the content of its blocks, and zeros elsewhere, clipped to what is asked for', () => {
    using image = openEdited(nothing);
    expect(firstBytes(image)).toEqual([1, 0, 3, 0, 0, 0]);
    expect(extentsOf(image, { offset: MIB - 10, length: MIB + 20 })).toEqual([
      { offset: MIB - 10, length: 10, kind: 'data' },
      { offset: MIB, length: MIB, kind: 'hole' },
      { offset: 2 * MIB, length: 10, kind: 'data' },
    ]);
    expect([...readOf(image, { offset: MIB - 1, length: 2 })]).toEqual([1, 0]);
  });

  test('locates runs that lie one behind the other in the file', () => {
    using image = openEdited(({ entry }) => {
      entry(1, 6, 5);
      entry(2, 0, 0);
    });
    expect(image.locate?.({ offset: 512, length: 4 * MIB })).toEqual({ fd: 99, fileOffset: AT.blocks + 512, length: 2 * MIB - 512 });
    expect(image.locate?.({ offset: 2 * MIB, length: MIB })).toBeUndefined();
  });

  test.each([
    ['undefined', 1, 'zero'],
    ['zero', 2, 'zero'],
    ['unmapped', 3, 'zero'],
    ['not present', 0, 'hole'],
  ])('has zeros in a block whose state is %s, wherever that lay before', (_, state, kind) => {
    using image = openEdited(({ entry }) => entry(0, state, 4));
    expect(extentsOf(image, { offset: 0, length: MIB })).toEqual([{ offset: 0, length: MIB, kind }]);
    expect(readOf(image, { offset: 0, length: 100 })).toEqual(new Uint8Array(100));
  });

  test('may end inside its last block, and that block behind the disk', () => {
    const bytes = editVhdx((image) => {
      image.bytes.writeBigUInt64LE(BigInt(2 * MIB + 4096), AT.size);
      return image.bytes.subarray(0, 5 * MIB + 4096);
    });
    using image = open(new WatchedFile(bytes));
    expect(readOf(image, { offset: 2 * MIB, length: 4096 })).toEqual(new Uint8Array(4096).fill(3));
  });

  test('takes no notice of bitmap entries, in which some programs leave what they like', () => {
    using image = openEdited(({ bytes, entry }) => {
      bytes.writeUInt32LE(256 * MIB, AT.parameters);
      bytes.writeBigUInt64LE(BigInt(5 * 1024 * MIB), AT.size);
      entry(0, 0, 0);
      entry(2, 0, 0);
      entry(16, 6, 4);
    });
    expect(extentsOf(image)).toEqual([{ offset: 0, length: 5 * 1024 * MIB, kind: 'hole' }]);
  });

  test('may have sectors of 4096 bytes', () => {
    using image = openEdited(({ bytes }) => void bytes.writeUInt32LE(4096, AT.sectorSize));
    expect(image.info.details).toMatchObject({ logicalSectorSize: 4096 });
    expect(firstBytes(image)).toEqual([1, 0, 3, 0, 0, 0]);
  });

  test('closes its file once, and leaves it to its caller when it refuses', () => {
    const file = new WatchedFile(editVhdx(nothing));
    open(file)[Symbol.dispose]();
    expect(file.closed).toBe(1);
    const refused = new WatchedFile(editVhdx(({ bytes }) => void bytes.writeUInt32LE(5, AT.parameters)));
    expect(() => open(refused)).toThrow('a block of 5 bytes');
    expect(refused.closed).toBe(0);
  });
});

describe('what exists twice', () => {
  const damageAndKeep = (edit: (image: EditedVhdx) => void): DiskImage => open(new WatchedFile(editVhdx(edit, { keepChecksums: true })));

  test.each([
    ['the older header', AT.olderHeader],
    ['the newer header', AT.header],
    ['the first region table', AT.regions],
    ['the second region table', AT.regions + 64 * KIB],
  ])('is needed once: %s may be damaged', (_, offset) => {
    using image = damageAndKeep(({ bytes }) => void bytes.writeUInt8(77, offset + 20));
    expect(firstBytes(image)).toEqual([1, 0, 3, 0, 0, 0]);
  });

  test('of two sound headers the newer one counts', () => {
    using image = openEdited(({ bytes }) => {
      bytes.fill(1, AT.olderHeader + 32, AT.olderHeader + 48);
      bytes.fill(2, AT.header + 32, AT.header + 48);
    });
    expect(image.info.details['dataWriteGuid']).toBe('02020202-0202-0202-0202-020202020202');
  });

  test('two equal headers are one', () => {
    using image = openEdited(({ bytes }) => void bytes.copy(bytes, AT.olderHeader, AT.header, AT.header + 4 * KIB));
    expect(firstBytes(image)).toEqual([1, 0, 3, 0, 0, 0]);
  });

  test('regions that are not known and need not be are left alone', () => {
    using image = openEdited(({ both, bytes }) => {
      both(AT.regions, (table) => {
        table.writeUInt32LE(3, 8);
        table.fill(9, 80, 96);
        table.writeBigUInt64LE(BigInt(6 * MIB), 96);
        table.writeUInt32LE(MIB, 104);
      });
      return Buffer.concat([bytes, Buffer.alloc(MIB)]);
    });
    expect(firstBytes(image)).toEqual([1, 0, 3, 0, 0, 0]);
  });
});

describe('a log that was left behind', () => {
  /** A change of the table: block 1 is where block 2 was. */
  const moveBlock = (image: EditedVhdx, to = 1): ReturnType<typeof sectorChange> =>
    sectorChange(image.bytes, AT.table, (sector) => {
      sector.writeBigUInt64LE(0n, 16);
      sector.writeBigUInt64LE((5n << 20n) + 6n, to * 8);
    });

  test('is replayed, and the file is not written to', () => {
    const file = new WatchedFile(editVhdx((image) => void image.log([{ sequence: 7, changes: [moveBlock(image)] }])));
    const before = Buffer.from(file.bytes);
    using image = open(file);
    expect(image.info.details['logReplayed']).toBe(true);
    expect(firstBytes(image)).toEqual([1, 3, 0, 0, 0, 0]);
    expect(extentsOf(image).map(({ kind }) => kind)).toEqual(['data', 'hole']);
    expect(image.locate?.({ offset: 0, length: MIB })).toBeUndefined();
    expect(Buffer.compare(file.bytes, before)).toBe(0);
  });

  test('clears and fills sectors in order, the last change counting', () => {
    using image = openEdited((edited) => {
      const filled = { offset: AT.blocks + 4096, bytes: Buffer.alloc(4096, 9) };
      edited.log([
        { sequence: 3, changes: [filled, { offset: AT.blocks, zeros: 4096 }] },
        {
          sequence: 4,
          changes: [
            { offset: AT.blocks + 4096, zeros: 8192 },
            { ...filled, offset: AT.blocks + 8192 },
          ],
        },
      ]);
    });
    const bytes = readOf(image, { offset: 0, length: 16_384 });
    expect([0, 4095, 4096, 8191, 8192, 12_287, 12_288].map((at) => bytes[at])).toEqual([0, 0, 0, 0, 9, 9, 1]);
    expect([...readOf(image, { offset: 8191, length: 3 })]).toEqual([0, 9, 9]);
  });

  test('makes the file longer where it says so', () => {
    using image = openEdited((edited) => {
      const change = sectorChange(edited.bytes, AT.table, (sector) => sector.writeBigUInt64LE((6n << 20n) + 6n, 8));
      edited.log([{ sequence: 1, lastSize: 7 * MIB, changes: [change, { offset: 6 * MIB + 4096, bytes: Buffer.alloc(4096, 8) }] }]);
    });
    expect([...readOf(image, { offset: MIB + 4095, length: 2 })]).toEqual([0, 8]);
    expect(extentsOf(image, { offset: MIB, length: MIB })).toEqual([{ offset: MIB, length: MIB, kind: 'data' }]);
  });

  test('counts only its whole entries: a torn last one is left out', () => {
    using image = openEdited((edited) => {
      const places = edited.log([
        { sequence: 1, changes: [moveBlock(edited)] },
        { sequence: 2, changes: [moveBlock(edited, 3)] },
      ]);
      edited.bytes.writeUInt8(1, AT.log + (places[1] ?? 0) + 5000);
    });
    expect(firstBytes(image)).toEqual([1, 3, 0, 0, 0, 0]);
  });

  test('begins at the tail of its newest entry, and goes around the end of the ring', () => {
    using image = openEdited((edited) => {
      // The first entry was written back already: were it replayed, it would clear block 0.
      const start = MIB - 16_384;
      edited.log(
        [
          { sequence: 5, tail: start, changes: [{ offset: AT.blocks, zeros: MIB }] },
          { sequence: 6, tail: start + 4096, changes: [moveBlock(edited)] },
          { sequence: 7, tail: start + 4096, changes: [{ offset: AT.blocks + MIB - 4096, bytes: Buffer.alloc(4096, 6) }] },
        ],
        { start },
      );
    });
    expect(firstBytes(image)).toEqual([1, 3, 0, 0, 0, 0]);
    expect([...readOf(image, { offset: MIB - 4097, length: 2 })]).toEqual([1, 6]);
  });

  test('is the newest of the sequences that are there', () => {
    using image = openEdited((edited) => {
      edited.log([{ sequence: 20, changes: [moveBlock(edited, 4)] }], { start: 64 * KIB });
      edited.log([{ sequence: 3, changes: [moveBlock(edited)] }]);
    });
    expect(firstBytes(image)).toEqual([1, 0, 0, 0, 3, 0]);
  });

  test.each([
    ['was taken into use and never written to', (edited: EditedVhdx) => edited.log([])],
    [
      'has entries only of an earlier use',
      (edited: EditedVhdx) => edited.log([{ sequence: 1, changes: [moveBlock(edited)] }], { guid: Buffer.alloc(16, 5) }),
    ],
  ])('changes nothing when it %s', (_, edit) => {
    using image = openEdited((edited) => void edit(edited));
    expect(firstBytes(image)).toEqual([1, 0, 3, 0, 0, 0]);
    expect(image.info.details['logReplayed']).toBe(false);
  });

  test('may repair region tables and metadata', () => {
    using image = openEdited((edited) => {
      const { bytes } = edited;
      edited.log([{ sequence: 1, changes: [sectorChange(bytes, AT.parameters, nothing), sectorChange(bytes, AT.metadata, nothing)] }]);
      bytes.fill(0, AT.metadata, AT.metadata + 4096);
      bytes.fill(0, AT.parameters, AT.parameters + 4096);
    });
    expect(firstBytes(image)).toEqual([1, 0, 3, 0, 0, 0]);
  });
});

describe('a differencing disk', () => {
  const LINKAGE = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
  /** Blocks 0, 1 and 2 are full of 4, 5 and 6. */
  const parent = (o: { readonly sectorSize?: number } = {}): WatchedFile =>
    new WatchedFile(
      editVhdx(({ bytes, entry }) => {
        // The linkage is alike in both byte orders, as each of its fields repeats one byte.
        bytes.set(Buffer.from(LINKAGE.replaceAll('-', ''), 'hex'), AT.header + 32);
        bytes.writeUInt32LE(o.sectorSize ?? 512, AT.sectorSize);
        entry(0, 6, 4);
        entry(1, 6, 5);
        entry(2, 6, 6);
        return Buffer.concat([bytes.subarray(0, AT.blocks), Buffer.alloc(MIB, 4), Buffer.alloc(MIB, 5), Buffer.alloc(MIB, 6)]);
      }),
      'parent',
    );
  const childOf = (path: string, o: Partial<ChildToBuild> = {}): ChildToBuild => ({
    locator: { parent_linkage: `{${LINKAGE.toUpperCase()}}`, relative_path: path },
    ...o,
  });
  const openChild = (child: ChildToBuild, edit?: (image: EditedVhdx) => Uint8Array | void, files: Files = { p: parent() }): DiskImage =>
    open(new WatchedFile(buildChild(child, edit), 'child'), files);

  test('has its own blocks and those of its parent', () => {
    using image = openChild(childOf('.\\p'));
    expect(firstBytes(image)).toEqual([1, 5, 3, 0, 0, 0]);
    expect(image.info).toMatchObject({ subformat: 'differencing', references: ['.\\p'] });
    expect(extentsOf(image)).toEqual([
      { offset: 0, length: 3 * MIB, kind: 'data' },
      { offset: 3 * MIB, length: 3 * MIB, kind: 'hole' },
    ]);
    expect(image.files.map(({ path }) => path)).toEqual(['child', 'parent']);
    expect(image.locate?.({ offset: MIB + 10, length: MIB })).toEqual({ fd: 99, fileOffset: AT.blocks + MIB + 10, length: MIB - 10 });
  });

  test('hides its parent where it was cleared', () => {
    using image = openChild(childOf('p'), ({ entry }) => entry(1, 2, 0));
    expect(firstBytes(image)).toEqual([1, 0, 3, 0, 0, 0]);
    expect(extentsOf(image)[1]).toEqual({ offset: MIB, length: MIB, kind: 'zero' });
  });

  test('has of a partial block the sectors that its bitmap names', () => {
    using image = openChild(childOf('p'), ({ bytes, entry }) => {
      entry(2, 7, 5);
      entry(BITMAP_ENTRY, 6, 6);
      const bitmap = Buffer.alloc(MIB);
      // Of block 2: sectors 1, and 8 to 23, and the last.
      bitmap.set([0b10, 0xff, 0xff], 2 * 256);
      bitmap[2 * 256 + 255] = 0x80;
      return Buffer.concat([bytes, bitmap]);
    });
    const bytes = readOf(image, { offset: 2 * MIB, length: MIB });
    const runs = [...bytes].reduce<[number, number][]>((all, byte) => {
      const last = all.at(-1);
      if (last?.[0] === byte) last[1] += 1;
      else all.push([byte, 1]);
      return all;
    }, []);
    expect(runs).toEqual([
      [6, 512],
      [3, 512],
      [6, 6 * 512],
      [3, 16 * 512],
      [6, MIB - 25 * 512],
      [3, 512],
    ]);
    expect(readOf(image, { offset: 2 * MIB + 1000, length: 100 })).toEqual(Uint8Array.from({ length: 100 }, (_, at) => (at < 24 ? 3 : 6)));
    expect(image.locate?.({ offset: 2 * MIB + 600, length: MIB })).toEqual({ fd: 99, fileOffset: AT.blocks + MIB + 600, length: 424 });
  });

  test('may be larger than its parent', () => {
    using image = openChild(childOf('p', { virtualSize: 9 * MIB }));
    expect(readOf(image, { offset: 8 * MIB, length: 10 })).toEqual(new Uint8Array(10));
    expect(extentsOf(image).at(-1)).toEqual({ offset: 3 * MIB, length: 6 * MIB, kind: 'hole' });
  });

  test('takes the linkage of a merge as well', () => {
    const locator = { parent_linkage: '{00000000-0000-0000-0000-000000000001}', parent_linkage2: `{${LINKAGE}}`, relative_path: 'p' };
    using image = openChild({ locator });
    expect(firstBytes(image)).toEqual([1, 5, 3, 0, 0, 0]);
  });

  test('finds its parent among listed files by the last part of its path', () => {
    const locator = { parent_linkage: `{${LINKAGE}}`, volume_path: '\\\\?\\Volume{1}\\disks\\p', absolute_win32_path: 'C:\\disks\\other' };
    using image = open(new WatchedFile(buildChild({ locator }), 'child'), { p: parent() }, { listed: ['/elsewhere/p'] });
    expect(firstBytes(image)).toEqual([1, 5, 3, 0, 0, 0]);
    expect(image.info.references).toEqual(['\\\\?\\Volume{1}\\disks\\p']);
  });

  test('closes its parent with itself', () => {
    const file = parent();
    openChild(childOf('p'), undefined, { p: file })[Symbol.dispose]();
    expect(file.closed).toBe(1);
  });

  test.each<[string, { readonly message: string; readonly child?: ChildToBuild; readonly file?: WatchedFile }]>([
    [
      'another state of its parent',
      {
        message: 'was written to after',
        child: { locator: { parent_linkage: '{00000000-0000-0000-0000-000000000001}', relative_path: 'p' } },
      },
    ],
    ['a parent of other sectors', { message: 'has sectors of 4096 bytes', file: parent({ sectorSize: 4096 }) }],
    ['a parent of another format', { message: 'does not begin with the signature', file: new WatchedFile(new Uint8Array(1000)) }],
    ['itself as its parent', { message: 'in its own chain', file: new WatchedFile(new Uint8Array(1000), 'child') }],
  ])('refuses %s, and closes it', (_, { message, child = childOf('p'), file = parent() }) => {
    const own = new WatchedFile(buildChild(child), 'child');
    expect(() => open(own, { p: file })).toThrow(message);
    expect([own.closed, file.closed]).toEqual([0, 1]);
  });

  test('refuses a partial block whose bitmap is not there', () => {
    using image = openChild(childOf('p'), ({ entry }) => entry(2, 7, 5));
    expect(() => extentsOf(image)).toThrow('yet no bitmap says which part');
  });

  test('refuses a bitmap in a block', () => {
    using image = openChild(childOf('p'), ({ entry }) => entry(BITMAP_ENTRY, 6, 5));
    expect(() => extentsOf(image)).toThrow('sector bitmap 0 shares its bytes');
  });

  test('refuses a chain without end', () => {
    const links = Array.from({ length: 30 }, (_, at) => [`p${at}`, new WatchedFile(buildChild(childOf(`p${at + 1}`)), `p${at}`)] as const);
    expect(() => open(new WatchedFile(buildChild(childOf('p0')), 'child'), Object.fromEntries(links))).toThrow('a chain of more than 16 images');
    expect(links.filter(([, file]) => file.closed > 0).length).toBe(16);
  });
});

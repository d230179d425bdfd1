import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIB, MIB, type ByteRange } from '@hypersdk/domain';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReadableDiskFile } from '../../file/disk-file.ts';
import { MemoryFile } from '../../file/memory-file.ts';
import { extentsOf } from '../build-islands.ts';
import type { DiskImage, OpenOptions } from '../disk-image.ts';
import { all, asDifferencing, editVhd, inFooter, inFooters, inHeader, soundDisk, TABLE, type VhdEdit } from './edit-vhd.ts';
import { vhdReader } from './reader.ts';

/** A file in memory that counts how often it was closed and passes for one with a descriptor. */
class WatchedFile extends MemoryFile {
  readonly fd = 99;
  closed = 0;

  override [Symbol.dispose](): void {
    this.closed += 1;
  }
}

const options: OpenOptions = { references: 'refuse', openReference: () => expect.unreachable(), depth: 0 };
const open = (bytes: Uint8Array): DiskImage => vhdReader.open(new WatchedFile(bytes, 'x.vhd'), options);
const none: VhdEdit = () => undefined;
const readOf = (image: DiskImage, { offset, length }: ByteRange): Uint8Array => {
  const into = new Uint8Array(length).fill(0xee);
  image.read(offset, into);
  return into;
};

describe('a dynamic disk', () => {
  test('describes itself', () => {
    using image = open(editVhd('dynamic', none));
    expect(image.info).toMatchObject({
      format: 'vhd',
      subformat: 'dynamic',
      virtualSize: 10 * MIB,
      unitSize: 2 * MIB,
      references: [],
      details: { creator: 'win', geometry: '301/4/17', footer: 'whole' },
    });
  });

  test('has data where its bitmaps say so, and holes elsewhere', () => {
    using image = open(editVhd('dynamic', none));
    expect(extentsOf(image)).toEqual([
      { offset: 0, length: 64 * KIB, kind: 'data' },
      { offset: 64 * KIB, length: 4 * MIB - 64 * KIB, kind: 'hole' },
      { offset: 4 * MIB, length: 2 * MIB, kind: 'data' },
      { offset: 6 * MIB, length: 4 * MIB - 64 * KIB, kind: 'hole' },
      { offset: 10 * MIB - 64 * KIB, length: 64 * KIB, kind: 'data' },
    ]);
    expect(extentsOf(image, { offset: 100, length: 1000 })).toEqual([{ offset: 100, length: 1000, kind: 'data' }]);
  });

  test('reads sectors that were never written as zeros, whatever lies in the file', () => {
    const bytes = editVhd('dynamic', (image) => {
      // Sectors 1, 2 and 9 of the third block; the first bit is the most significant one.
      image.bytes.writeUInt8(0b1001_1111, image.second);
      image.bytes.writeUInt8(0b1011_1111, image.second + 1);
    });
    using image = open(bytes);
    const content = readOf(image, { offset: 4 * MIB, length: 12 * 512 });
    const written = Array.from({ length: 12 }, (_, sector) => content.subarray(sector * 512, (sector + 1) * 512).every((byte) => byte === 2));
    expect(written.map(Number).join('')).toBe('100111111011');
    expect(extentsOf(image, { offset: 4 * MIB + 10, length: 2000 })).toEqual([
      { offset: 4 * MIB + 10, length: 502, kind: 'data' },
      { offset: 4 * MIB + 512, length: 1024, kind: 'hole' },
      { offset: 4 * MIB + 1536, length: 474, kind: 'data' },
    ]);
    expect(readOf(image, { offset: 4 * MIB + 511, length: 2 })).toEqual(Uint8Array.from([2, 0]));
  });

  test('locates what is written, and nothing else', () => {
    const bytes = editVhd('dynamic', none);
    using image = open(bytes);
    const run = image.locate?.({ offset: 5 * MIB, length: 4 * MIB });
    expect(run).toMatchObject({ fd: 99, length: MIB });
    expect(bytes[run?.fileOffset ?? 0]).toBe(2);
    expect(image.locate?.({ offset: 2 * MIB, length: MIB })).toBeUndefined();
    expect(image.locate?.({ offset: 64 * KIB, length: 512 })).toBeUndefined();
  });

  test('may have more table entries than it needs, and blocks in any order', () => {
    const bytes = editVhd('dynamic', (image) => {
      inHeader((header) => void header.writeUInt32BE(20, 28))(image);
      const entries = image.bytes.subarray(TABLE, TABLE + 20);
      const [first, third] = [entries.readUInt32BE(0), entries.readUInt32BE(8)];
      entries.writeUInt32BE(third, 0);
      entries.writeUInt32BE(first, 8);
    });
    using image = open(bytes);
    expect([...readOf(image, { offset: 0, length: 2 }), ...readOf(image, { offset: 4 * MIB, length: 2 })]).toEqual([2, 2, 1, 1]);
  });

  test.each<readonly [string, VhdEdit, string]>([
    ['its end', ({ bytes, footer }) => void bytes.fill(0, footer), 'copy at the end damaged'],
    ['its front', ({ bytes }) => void bytes.fill(0, 0, 512), 'copy at the front damaged'],
    ['a byte of its end', ({ bytes, footer }) => void bytes.writeUInt8(1, footer + 300), 'copy at the end damaged'],
  ])('is read whole when %s is damaged, and says so', (_, edit, state) => {
    const bytes = editVhd('dynamic', edit);
    using image = open(bytes);
    expect(image.info.details).toMatchObject({ footer: state });
    expect(Buffer.compare(readOf(image, { offset: 0, length: 10 * MIB }), soundDisk())).toBe(0);
  });

  test('closes its file once, and leaves it to its caller when it refuses', () => {
    const file = new WatchedFile(editVhd('dynamic', none));
    vhdReader.open(file, options)[Symbol.dispose]();
    expect(file.closed).toBe(1);
    const broken = new WatchedFile(
      editVhd(
        'dynamic',
        inHeader((header) => void header.writeUInt32BE(0, 32)),
      ),
    );
    expect(() => vhdReader.open(broken, options)).toThrow('a block of 0 bytes');
    expect(broken.closed).toBe(0);
  });
});

describe('the size of a disk', () => {
  const creator = (name: string, geometry: number): VhdEdit =>
    inFooters((footer) => {
      footer.write(name, 28, 'latin1');
      footer.writeUInt32BE(geometry, 56);
    });
  // 300 cylinders, 4 heads, 17 sectors.
  const geometry = 0x012c_0411;

  test.each(['vpc ', 'vs  ', 'qemu'])('is that of the geometry for %j, whose guests see nothing more', (name) => {
    for (const kind of ['dynamic', 'fixed'] as const) {
      using image = open(editVhd(kind, creator(name, geometry)));
      expect(image.virtualSize).toBe(300 * 4 * 17 * 512);
    }
  });

  test.each(['win ', 'qem2', 'd2v ', 'tap\0', 'CTXS', 'wa\0\0', 'vbox', 'what'])('is the current size for %j', (name) => {
    using image = open(editVhd('dynamic', creator(name, geometry)));
    expect(image.virtualSize).toBe(10 * MIB);
  });

  test('is the current size where the geometry is the largest', () => {
    using image = open(editVhd('fixed', creator('vpc ', 0xffff_10ff)));
    expect(image.virtualSize).toBe(10 * MIB);
  });
});

describe('a fixed disk', () => {
  test('is its content, then a footer; also one of 511 bytes', () => {
    for (const bytes of [editVhd('fixed', none), editVhd('fixed', ({ bytes: whole }) => whole.subarray(0, -1))]) {
      using image = open(bytes);
      expect(image.info).toMatchObject({ subformat: 'fixed', virtualSize: 10 * MIB, unitSize: 4096 });
      expect(Buffer.compare(readOf(image, { offset: 0, length: 10 * MIB }), soundDisk())).toBe(0);
      expect(image.locate?.({ offset: 5, length: 7 })).toEqual({ fd: 99, fileOffset: 5, length: 7 });
    }
  });
});

describe('probing', () => {
  const probe = (bytes: Uint8Array): readonly boolean[] => [
    vhdReader.probe(bytes.subarray(0, 65_536)),
    vhdReader.probeTail(bytes.subarray(-512), bytes.length),
  ];

  test('knows a dynamic disk by either end and a fixed one by its footer', () => {
    expect(probe(editVhd('dynamic', none))).toEqual([true, true]);
    expect(probe(editVhd('dynamic', ({ bytes }) => void bytes.fill(0, 0, 512)))).toEqual([false, true]);
    expect(probe(editVhd('fixed', none))).toEqual([false, true]);
    expect(probe(editVhd('fixed', ({ bytes }) => bytes.subarray(0, -1)))).toEqual([false, true]);
  });

  test.each<readonly [string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['a few bytes', Buffer.from('conecti')],
    ['a cookie alone at the end', Buffer.concat([Buffer.alloc(5000), Buffer.from('conectix'), Buffer.alloc(504)])],
    ['a footer inside a disk', Buffer.concat([editVhd('fixed', none), Buffer.alloc(512)])],
    ['a footer of a disk of another size', Buffer.concat([Buffer.alloc(512), editVhd('fixed', none)])],
    ['a footer with a wrong checksum', editVhd('fixed', ({ bytes, footer }) => void bytes.writeUInt8(3, footer + 80))],
    [
      'a dynamic footer whose header lies elsewhere',
      editVhd(
        'fixed',
        inFooter((footer) => {
          footer.writeUInt32BE(3, 60);
          footer.writeBigUInt64BE(2n ** 40n, 16);
        }),
      ),
    ],
  ])('takes %s for no VHD', (_, bytes) => {
    expect(probe(bytes)).toEqual([false, false]);
  });
});

describe('a differencing disk', () => {
  let folder = '';
  let parentId = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vhd-parent-'));
    const parent = editVhd('fixed', none);
    parentId = Buffer.from(parent.subarray(-512)).toString('hex', 68, 84);
    writeFileSync(join(folder, 'base.vhd'), parent);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const openBeside = (edit: VhdEdit, o: Partial<OpenOptions> = {}): DiskImage => {
    const openReference = (name: string): ReadableDiskFile => ReadableDiskFile.open(join(folder, name));
    return vhdReader.open(new MemoryFile(editVhd('dynamic', edit), join(folder, 'child.vhd')), {
      references: 'beside',
      openReference,
      depth: 0,
      ...o,
    });
  };
  /** Sectors 0 and 2 of the first block are the child's; the rest of the disk is its parent's. */
  const overBase = (o: Partial<Parameters<typeof asDifferencing>[0]> = {}): VhdEdit =>
    all(asDifferencing({ parentId, name: 'base.vhd', ...o }), ({ bytes, first }) => {
      bytes.fill(0, first, first + 512).writeUInt8(0b1010_0000, first);
      bytes.fill(9, first + 512, first + 512 + 2048);
      bytes.fill(0xff, TABLE + 4, TABLE + 20);
    });

  test.each([{}, { name: 'C:\\somewhere\\base.vhd', relative: '.\\base.vhd' }, { name: '', relative: 'base.vhd' }])(
    'reads what it lacks from its parent, sector by sector: %o',
    (names) => {
      using image = openBeside(overBase(names));
      const expected = Buffer.from(soundDisk());
      expected.fill(9, 0, 512).fill(9, 1024, 1536);
      expect(Buffer.compare(readOf(image, { offset: 0, length: 10 * MIB }), expected)).toBe(0);
      expect(image.info).toMatchObject({ subformat: 'differencing', references: ['base.vhd'] });
      expect(image.files).toHaveLength(2);
      expect(extentsOf(image, { offset: 0, length: 8192 }).every(({ kind }) => kind === 'data')).toBe(true);
      expect(image.locate?.({ offset: 4 * MIB, length: MIB })).toMatchObject({ fileOffset: 4 * MIB, length: MIB });
    },
  );

  test('finds its parent by the last part of its name where the caller lists the files', () => {
    using image = openBeside(overBase({ name: 'C:\\VMs\\base.vhd' }), { references: { listed: [join(folder, 'base.vhd')] } });
    expect(image.info.references).toEqual(['base.vhd']);
    expect(() => openBeside(overBase({ name: 'C:\\VMs\\base.vhd' }))).toThrow('only plain names');
  });

  test('may be longer than its parent', () => {
    const longer = all(
      overBase(),
      inFooters((footer) => void footer.writeBigUInt64BE(BigInt(12 * MIB), 48)),
      inHeader((header) => void header.writeUInt32BE(6, 28)),
      ({ bytes }) => void bytes.fill(0xff, TABLE + 20, TABLE + 24),
    );
    using image = openBeside(longer);
    expect(extentsOf(image, { offset: 10 * MIB - 512, length: 2 * MIB })).toEqual([
      { offset: 10 * MIB - 512, length: 512, kind: 'data' },
      { offset: 10 * MIB, length: 2 * MIB - 512, kind: 'hole' },
    ]);
    expect(readOf(image, { offset: 10 * MIB - 1, length: 3 })).toEqual(Uint8Array.from([3, 0, 0]));
  });

  test('is refused over another disk than the one it was made over', () => {
    expect(() => openBeside(overBase({ parentId: 'ff'.repeat(16) }))).toThrow('is another disk');
  });

  test('is refused over a parent that was changed since, which is told by the time of its file', () => {
    const path = join(folder, 'base.vhd');
    const [recorded, at] = [800_000_000, 946_684_800 + 800_000_000];
    utimesSync(path, at, at);
    openBeside(overBase({ parentTime: recorded }))[Symbol.dispose]();
    utimesSync(path, at + 60, at + 60);
    expect(() => openBeside(overBase({ parentTime: recorded }))).toThrow(`touch -d @${at}`);
  });

  test('is refused when it is its own parent, or its chain is too long', () => {
    expect(() => openBeside(overBase(), { chain: [join(folder, 'base.vhd')] })).toThrow('in its own chain');
    expect(() => openBeside(overBase(), { depth: 16 })).toThrow('a chain of more than 16');
  });
});

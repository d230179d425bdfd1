import { HyperError, KIB, MIB, type ByteRange } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { extentsOf } from '../build-islands.ts';
import type { DiskImage, OpenOptions } from '../disk-image.ts';
import { all, asDifferencing, editVdi, entry, soundDisk, u32, type VdiEdit } from './edit-vdi.ts';
import { vdiReader } from './reader.ts';
import { vdiWriter } from './writer.ts';

/** A file in memory that counts how often it was closed and passes for one with a descriptor. */
class WatchedFile extends MemoryFile {
  readonly fd = 99;
  closed = 0;

  override [Symbol.dispose](): void {
    this.closed += 1;
  }
}

const none: VdiEdit = () => undefined;
const options: OpenOptions = { references: 'refuse', openReference: () => expect.unreachable(), depth: 0 };
const open = (edit: VdiEdit, o: Partial<OpenOptions> = {}): DiskImage =>
  vdiReader.open(new WatchedFile(editVdi(edit), 'x.vdi'), { ...options, ...o });
const readOf = (image: DiskImage, { offset, length }: ByteRange): Uint8Array => {
  const into = new Uint8Array(length).fill(0xee);
  image.read(offset, into);
  return into;
};

describe('a dynamic disk', () => {
  test('describes itself and is known by its signature', () => {
    using image = open(none);
    expect(image.info).toMatchObject({
      format: 'vdi',
      subformat: 'dynamic',
      virtualSize: 8 * MIB + 512,
      unitSize: MIB,
      references: [],
      details: { blockCount: 9, storedBlocks: 4 },
    });
    const head = editVdi(none).subarray(0, 65_536);
    expect([head, head.subarray(0, 71), head.subarray(1), new Uint8Array(0)].map((bytes) => vdiReader.probe(bytes))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('says in both of its geometries that sectors have 512 bytes: VirtualBox refuses a header of 400 bytes without', () => {
    const bytes = Buffer.from(editVdi(none));
    expect([72, 360, 468].map((at) => bytes.readUInt32LE(at))).toEqual([400, 512, 512]);
  });

  test('joins blocks that follow each other, and clips them to the range asked for', () => {
    using image = open(none);
    expect(extentsOf(image, { offset: 100, length: 8 * MIB })).toEqual([
      { offset: 100, length: MIB - 100, kind: 'data' },
      { offset: MIB, length: 2 * MIB, kind: 'hole' },
      { offset: 3 * MIB, length: 2 * MIB, kind: 'data' },
      { offset: 5 * MIB, length: 3 * MIB, kind: 'hole' },
      { offset: 8 * MIB, length: 100, kind: 'data' },
    ]);
    expect(image.locate?.({ offset: 3 * MIB + 5, length: 4 * MIB })).toEqual({ fd: 99, fileOffset: 2 * MIB + 5, length: 2 * MIB - 5 });
    expect(image.locate?.({ offset: MIB, length: 512 })).toBeUndefined();
  });

  test('has zeros where blocks were discarded', () => {
    using image = open(entry(3, 0xffff_fffe));
    expect(extentsOf(image, { offset: 2 * MIB, length: 2 * MIB })).toEqual([
      { offset: 2 * MIB, length: MIB, kind: 'hole' },
      { offset: 3 * MIB, length: MIB, kind: 'zero' },
    ]);
    expect(readOf(image, { offset: 4 * MIB - 1, length: 2 })).toEqual(Uint8Array.from([0, 2]));
  });

  test('may have its blocks in any order', () => {
    using image = open(all(entry(0, 2), entry(4, 0)));
    expect(readOf(image, { offset: 4 * MIB - 1, length: 2 })).toEqual(Uint8Array.from([2, 1]));
    expect(readOf(image, { offset: 0, length: 1 })).toEqual(Uint8Array.from([2]));
  });

  test('may have smaller blocks than usual, and a longer table', () => {
    // 33 blocks of 256 KiB, of which those of the first megabyte are stored backwards.
    const small = all(u32(376, 256 * KIB), u32(384, 40), (bytes) => {
      bytes.fill(0xff, 512, 512 + 160);
      for (const [at, block] of [3, 2, 1, 0].entries()) bytes.writeUInt32LE(block, 512 + at * 4);
    });
    using image = open(small);
    expect(image.unitSize).toBe(256 * KIB);
    expect(extentsOf(image, { offset: 0, length: 2 * MIB })).toEqual([
      { offset: 0, length: MIB, kind: 'data' },
      { offset: MIB, length: MIB, kind: 'hole' },
    ]);
    expect(readOf(image, { offset: 768 * KIB, length: 1 })).toEqual(Uint8Array.from([1]));
  });

  test('closes its file once, and leaves it to its caller when it refuses', () => {
    const file = new WatchedFile(editVdi(none));
    vdiReader.open(file, options)[Symbol.dispose]();
    const broken = new WatchedFile(editVdi(u32(376, 0)));
    expect(() => vdiReader.open(broken, options)).toThrow('a block of 0 bytes');
    expect([file.closed, broken.closed]).toEqual([1, 0]);
  });
});

describe('a differencing disk', () => {
  const parent = editVdi(none);
  const [parentId, parentChangeId] = [Buffer.from(parent).toString('hex', 392, 408), Buffer.from(parent).toString('hex', 408, 424)];
  const spelt = Buffer.concat(
    [
      [3, 2, 1, 0],
      [5, 4],
      [7, 6],
    ].map((order) => Buffer.from(order.map((at) => parent[392 + at] ?? 0))),
  ).toString('hex');
  /** Block 0 is the child's, block 3 it discarded; the rest is its parent's. */
  const child = all(asDifferencing({ parentId, parentChangeId }), (bytes) => {
    bytes.fill(0xff, 512, 548);
    bytes.writeUInt32LE(0, 512);
    bytes.writeUInt32LE(0xffff_fffe, 512 + 12);
    bytes.fill(9, MIB, 2 * MIB);
  });
  const parentFile = new WatchedFile(parent, 'parent.vdi');
  let asked: string | undefined;
  const openChild = (edit: VdiEdit, o: Partial<OpenOptions> = {}): DiskImage => {
    const openReference = (name: string): WatchedFile => {
      asked = name;
      return parentFile;
    };
    return open(edit, { references: 'beside', openReference, ...o });
  };

  test('reads what it lacks from the disk that is named after its identifier, but not what it discarded', () => {
    using image = openChild(child);
    expect(asked?.replaceAll('-', '').slice(0, 17)).toBe(`{${spelt}`);
    const expected = Buffer.from(soundDisk());
    expected.fill(9, 0, MIB).fill(0, 3 * MIB, 4 * MIB);
    expect(Buffer.compare(readOf(image, { offset: 0, length: image.virtualSize }), expected)).toBe(0);
    expect(image.info).toMatchObject({ subformat: 'differencing', references: [asked] });
    expect(image.files).toHaveLength(2);
    expect(image.locate?.({ offset: 4 * MIB, length: MIB })).toMatchObject({ length: MIB });
    expect(extentsOf(image, { offset: 2 * MIB, length: 3 * MIB }).map(({ kind }) => kind)).toEqual(['hole', 'zero', 'data']);
  });

  test('finds its parent among the files that the caller lists, whatever their names', () => {
    const other = new WatchedFile(
      editVdi((bytes) => void bytes.fill(5, 392, 408)),
      'other.vdi',
    );
    const listed: Readonly<Record<string, WatchedFile>> = {
      'other.vdi': other,
      'text.vdi': new WatchedFile(new Uint8Array(9)),
      'the base.vdi': parentFile,
    };
    const openReference = (name: string): WatchedFile => listed[name] ?? expect.unreachable();
    using image = openChild(child, { references: { listed: Object.keys(listed).map((name) => `/elsewhere/${name}`) }, openReference });
    expect(image.info.references).toEqual(['the base.vdi']);
    expect(other.closed).toBe(1);
    const without = { references: { listed: ['other.vdi'] }, openReference };
    expect(() => openChild(child, without)).toThrow('none of the files listed is its parent');
  });

  test('closes a file of the list that cannot be read', () => {
    class UnreadableFile extends WatchedFile {
      override read(): void {
        throw new HyperError('source/unreadable', 'the medium reported an error');
      }
    }
    const unreadable = new UnreadableFile(new Uint8Array(1024), 'other.vdi');
    const o = { references: { listed: ['/elsewhere/other.vdi'] }, openReference: () => unreadable };
    expect(() => openChild(child, o)).toThrow('the medium reported');
    expect(unreadable.closed).toBe(1);
  });

  test('is refused over another disk, or over its parent when that was changed since', () => {
    expect(() => openChild(all(child, (bytes) => void bytes.fill(1, 424, 440)))).toThrow('is another disk');
    expect(() => openChild(all(child, (bytes) => void bytes.fill(1, 440, 456)))).toThrow('was changed after');
  });

  test('is refused in a ring, in a long chain, and says where a missing parent has to lie', () => {
    expect(() => openChild(child, { chain: ['parent.vdi'] })).toThrow('in its own chain');
    expect(() => openChild(child, { depth: 16 })).toThrow('a chain of more than 16');
    const openReference = (): never => {
      throw new HyperError('source/not-found', 'there is no such file');
    };
    expect(() => openChild(child, { openReference })).toThrow(/put that disk beside it as \{[-0-9a-f]{36}\}\.vdi/);
  });
});

describe('a plan', () => {
  const plan = (virtualSize: number, settings: Partial<ImageSettings> = {}) => vdiWriter.plan(virtualSize, { format: 'vdi', ...settings });

  test('is a dynamic disk of whole sectors, unless something else is asked for', () => {
    expect(plan(1000)).toEqual({ virtualSize: 1024, unitSize: 64 * KIB, placement: 'assigned', kind: 'dynamic', preallocation: 'off' });
    expect(plan(MIB, { subformat: 'static', preallocation: 'falloc' })).toMatchObject({ kind: 'static', preallocation: 'falloc' });
  });

  test.each([
    ['size above 0', 0, {}],
    ['64 TiB', 65 * 1024 ** 4, {}],
    ['fixed', MIB, { subformat: 'fixed' }],
    ['cluster size', MIB, { clusterSize: MIB }],
    ['compression', MIB, { compression: 'zstd' }],
    ['compression level', MIB, { compressionLevel: 3 }],
    ['preallocation full', MIB, { preallocation: 'full' }],
    ['metadata', MIB, { subformat: 'static', preallocation: 'metadata' }],
  ] as const)('names what it cannot do: %s', (fragment, virtualSize, settings) => {
    expect(() => plan(virtualSize, settings)).toThrow(expect.objectContaining({ code: 'usage/invalid', message: expect.stringContaining(fragment) }));
  });
});

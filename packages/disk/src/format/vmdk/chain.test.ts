import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import type { DiskImage } from '../disk-image.ts';
import { buildChain, CELL_SIZE, deltaKinds, type BuiltChain, type Cell } from './build-chain.ts';
import { vmdkReader } from './reader.ts';

/** Machines that run much else at once. */
const TIMEOUT_MS = 60_000;

const open = ({ files, top }: BuiltChain): DiskImage =>
  vmdkReader.open(fileOf(files, top), { references: 'beside', depth: 0, openReference: (name) => fileOf(files, name) });
const fileOf = (files: BuiltChain['files'], name: string): MemoryFile =>
  new MemoryFile(files[name] ?? expect.unreachable(`${name} was opened`), name);

const readAll = (image: DiskImage, step: number): Uint8Array => {
  const content = new Uint8Array(image.virtualSize);
  for (let at = 0; at < content.length; at += step) image.read(at, content.subarray(at, at + step));
  return content;
};
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const COUNT = 20;
const cell: fc.Arbitrary<Cell> = fc.oneof(fc.constantFrom('hole' as const, 'zero' as const), fc.integer({ min: 1, max: 255 }));
const cells = fc.array(cell, { minLength: COUNT, maxLength: COUNT });
const layers = fc.array(fc.record({ kind: fc.constantFrom(...deltaKinds), cells }), { maxLength: 3 });

describe('a chain of disks', { timeout: TIMEOUT_MS }, () => {
  test('reads as what was written last at every place, in whole and in odd pieces', () => {
    fc.assert(
      fc.property(cells, layers, fc.integer({ min: 1000, max: 300_000 }), (base, over, step) => {
        const chain = buildChain(base, over);
        using image = open(chain);
        expect(same(readAll(image, step), chain.content)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('has extents that tile it, and what is not data reads as zeros', () => {
    fc.assert(
      fc.property(cells, layers, (base, over) => {
        const chain = buildChain(base, over);
        using image = open(chain);
        let end = 0;
        for (const extent of image.extents({ offset: 0, length: image.virtualSize })) {
          expect(extent.offset).toBe(end);
          end += extent.length;
          if (extent.kind !== 'data') expect(chain.content.subarray(extent.offset, end).every((byte) => byte === 0)).toBe(true);
        }
        expect(end).toBe(chain.content.length);
      }),
      { numRuns: 40 },
    );
  });
});

test.each(deltaKinds)('a %s delta tells its own zeros from what lies below', (kind) => {
  const chain = buildChain([1, 1, 1, 1], [{ kind, cells: ['hole', 'zero', 7, 'hole'] }]);
  using image = open(chain);
  expect(image.info).toMatchObject({ subformat: kind, details: { parent: 'base.vmdk' } });
  expect(image.info.references).toContain('base.vmdk');
  expect([0, 1, 2, 3].map((at) => readAll(image, CELL_SIZE)[at * CELL_SIZE])).toEqual([1, 0, 7, 1]);
});

test('every file of a chain is known, and closed once', () => {
  const chain = buildChain(
    [1, 2, 3, 4],
    deltaKinds.map((kind) => ({ kind, cells: ['hole', 'zero', 5, 'hole'] })),
  );
  const closed: string[] = [];
  class Closing extends MemoryFile {
    override [Symbol.dispose](): void {
      closed.push(this.path);
    }
  }
  const file = (name: string): MemoryFile => new Closing(chain.files[name], name);
  const image = vmdkReader.open(file(chain.top), { references: 'beside', depth: 0, openReference: file });
  expect(image.files.map(({ path }) => path).toSorted()).toEqual(Object.keys(chain.files).toSorted());
  image[Symbol.dispose]();
  expect(closed.toSorted()).toEqual(Object.keys(chain.files).toSorted());
});

test('every file of a chain that was opened is closed when its parent was changed since', () => {
  const { files, top } = buildChain([1, 2], [{ kind: 'vmfsSparse', cells: ['hole', 3] }]);
  const changed: BuiltChain['files'] = {
    ...files,
    'base.vmdk': Buffer.from(
      Buffer.from(files['base.vmdk'] ?? [])
        .toString()
        .replace(/^CID=.*$/m, 'CID=2000'),
    ),
  };
  const open = new Set<string>();
  class Counted extends MemoryFile {
    constructor(name: string) {
      super(changed[name], name);
      open.add(name);
    }

    override [Symbol.dispose](): void {
      open.delete(this.path);
    }
  }
  const openReference = (name: string): MemoryFile => new Counted(name);
  expect(() => vmdkReader.open(fileOf(changed, top), { references: 'beside', depth: 0, openReference })).toThrow('was changed since');
  expect([...open]).toEqual([]);
});

test('a disk that is longer than its parent ends in a hole', () => {
  const { files, ...chain } = buildChain([1, 1, 1, 1], [{ kind: 'monolithicSparse', cells: ['hole', 'hole', 7, 'hole'] }]);
  const short = Buffer.from(
    Buffer.from(files['base.vmdk'] ?? [])
      .toString()
      .replace('RW 509 ', 'RW 200 '),
  );
  using image = open({ ...chain, files: { ...files, 'base.vmdk': short } });
  expect([...image.extents({ offset: 0, length: image.virtualSize })].map(({ offset, kind }) => [offset, kind])).toEqual([
    [0, 'data'],
    [200 * 512, 'hole'],
    [2 * CELL_SIZE, 'data'],
    [3 * CELL_SIZE, 'hole'],
  ]);
  expect([...readAll(image, 777).subarray(200 * 512 - 1, 200 * 512 + 1)]).toEqual([1, 0]);
});

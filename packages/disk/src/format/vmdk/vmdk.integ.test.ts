import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GIB, KIB, MIB, TIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReadableDiskFile, WritableDiskFile } from '../../file/disk-file.ts';
import { nativeFs } from '../../native/load.ts';
import { expectIslands, expectSameBytes, extentsOf, islandContent, isTouched, writeCommands, type Island } from '../build-islands.ts';
import type { DiskImage } from '../disk-image.ts';
import { placeLeaf, type DiskContent } from './build-vmdk.ts';
import { vmdkReader } from './reader.ts';
import { vmdkWriter } from './writer.ts';

const UNIT = 64 * KIB;
/** Machines that run much else at once. */
const TIMEOUT_MS = 60_000;
const ISLANDS: readonly Island[] = [
  { at: 0, length: 512, pattern: 1 },
  { at: 3 * MIB + 512, length: 200 * KIB, pattern: 2 },
  { at: 32 * MIB - 1024, length: 2048, pattern: 3 },
  { at: 40 * MIB, length: 64 * KIB, pattern: 4 },
];
/** Not a whole number of grains. */
const SIZE = 70 * MIB + 5 * 512;

describe.skipIf(missing('qemu-img', 'qemu-io'))('VMDK beside qemu-img', { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vmdk-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const path = (name: string): string => join(folder, name);
  const qemu = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });
  const qemuImg = (...args: readonly string[]): string => qemu('qemu-img', ...args);
  const writeIslands = (name: string, format: string, islands: readonly Island[]): void => {
    qemu('qemu-io', '-f', format, ...writeCommands(islands), path(name));
  };
  const open = (name: string): DiskImage =>
    vmdkReader.open(ReadableDiskFile.open(path(name)), {
      references: 'beside',
      openReference: (other) => ReadableDiskFile.open(path(other)),
      depth: 0,
    });

  /** Writes the image of a disk of islands with our writer. */
  const write = (name: string, virtualSize: number, o: { readonly islands: readonly Island[]; readonly settings: Partial<ImageSettings> }): void => {
    const plan = vmdkWriter.plan(virtualSize, { format: 'vmdk', ...o.settings });
    const file = WritableDiskFile.open(path(name), 'create');
    using encoder = vmdkWriter.encoder(plan);
    const layout = vmdkWriter.layout(plan, file);
    const leaves = o.islands.flatMap(({ at, length }) =>
      Array.from({ length: Math.floor((at + length - 1) / (4 * MIB)) - Math.floor(at / (4 * MIB)) + 1 }, (_, n) => Math.floor(at / (4 * MIB)) + n),
    );
    for (const leaf of [...new Set(leaves)].toSorted((a, b) => a - b))
      placeLeaf({ plan, file, layout, encoder, content: contentOfIslands(o.islands) }, leaf);
    layout.finish();
    file[Symbol.dispose]();
  };

  describe('reads what qemu-img makes', () => {
    beforeAll(() => {
      qemuImg('create', '-f', 'raw', path('islands.raw'), String(SIZE));
      writeIslands('islands.raw', 'raw', ISLANDS);
    });

    test.each([
      ['monolithicSparse', 'RW'],
      ['streamOptimized', 'compressed'],
      ['monolithicFlat', 'flat'],
      ['twoGbMaxExtentFlat', 'flat'],
      ['twoGbMaxExtentSparse', 'sparse'],
    ])('%s: same bytes, every extent true', (subformat) => {
      const name = `${subformat}.vmdk`;
      qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', `subformat=${subformat}`, path('islands.raw'), path(name));
      using image = open(name);
      expect(image.virtualSize).toBe(SIZE);
      expect(image.info.subformat).toBe(subformat);
      expectIslands(image, ISLANDS);
      expectSameBytes(image, path('islands.raw'));
    });

    test('grains written as zeros are zeros, not data', () => {
      qemuImg('create', '-f', 'vmdk', '-o', 'subformat=monolithicSparse,zeroed_grain=on', path('zeroed.vmdk'), '8M');
      qemu('qemu-io', '-f', 'vmdk', '-c', 'write -P 9 0 1M', '-c', 'write -z 128k 128k', path('zeroed.vmdk'));
      using image = open('zeroed.vmdk');
      expect(extentsOf(image)).toEqual([
        { offset: 0, length: 128 * KIB, kind: 'data' },
        { offset: 128 * KIB, length: 128 * KIB, kind: 'zero' },
        { offset: 256 * KIB, length: 768 * KIB, kind: 'data' },
        { offset: MIB, length: 7 * MIB, kind: 'hole' },
      ]);
      expectIslands(image, [
        { at: 0, length: 128 * KIB, pattern: 9 },
        { at: 256 * KIB, length: 768 * KIB, pattern: 9 },
      ]);
    });

    test('a 5 GiB disk in pieces of 2 GiB, across their borders', () => {
      const islands = [
        { at: 2 * GIB - 4096, length: 8192, pattern: 5 },
        { at: 4 * GIB - 512, length: 1024, pattern: 6 },
        { at: 5 * GIB - 512, length: 512, pattern: 7 },
      ];
      for (const subformat of ['twoGbMaxExtentFlat', 'twoGbMaxExtentSparse']) {
        qemuImg('create', '-f', 'vmdk', '-o', `subformat=${subformat}`, path(`${subformat}-5g.vmdk`), '5G');
        writeIslands(`${subformat}-5g.vmdk`, 'vmdk', islands);
        using image = open(`${subformat}-5g.vmdk`);
        expect(image.files).toHaveLength(4);
        expectIslands(image, islands);
      }
    });

    test('grains that lie beyond 2 and 4 GiB of the file', () => {
      const islands = [
        { at: 6 * MIB, length: UNIT, pattern: 8 },
        { at: 9 * MIB, length: UNIT, pattern: 9 },
        { at: 12 * MIB, length: UNIT, pattern: 10 },
      ];
      qemuImg('create', '-f', 'vmdk', path('far.vmdk'), '1G');
      // Growing the file makes qemu put the next grain at its end.
      for (const [index, island] of islands.entries()) {
        qemu('truncate', '-s', String([GIB, 2 * GIB + 4 * UNIT, 4 * GIB + 2 * UNIT][index]), path('far.vmdk'));
        writeIslands('far.vmdk', 'vmdk', [island]);
      }
      using image = open('far.vmdk');
      expect(statSync(path('far.vmdk')).size).toBeGreaterThan(4 * GIB);
      expect(image.locate?.({ offset: 12 * MIB, length: UNIT })?.fileOffset).toBeGreaterThan(4 * GIB);
      expectIslands(image, islands);
    });

    test.each(['2T', '16T'])('a sparse disk of %s in little time', (size) => {
      qemuImg('create', '-f', 'vmdk', path(`${size}.vmdk`), size);
      const virtualSize = size === '2T' ? 2 * TIB : 16 * TIB;
      const islands = [
        { at: TIB + 512, length: 4096, pattern: 11 },
        { at: virtualSize - 512, length: 512, pattern: 12 },
      ];
      writeIslands(`${size}.vmdk`, 'vmdk', islands);
      const began = process.threadCpuUsage();
      using image = open(`${size}.vmdk`);
      expect(extentsOf(image).filter(({ kind }) => kind === 'data')).toEqual([
        { offset: TIB, length: UNIT, kind: 'data' },
        { offset: virtualSize - UNIT, length: UNIT, kind: 'data' },
      ]);
      const { user, system } = process.threadCpuUsage(began);
      // Without the system's word on holes, the reserved tables are read: a gibibyte of zeros.
      expect(user + system).toBeLessThan(nativeFs().seekHole ? 2_000_000 : 15_000_000);
      expectIslands(image, islands);
    });
  });

  describe.each(['monolithicSparse', 'streamOptimized'])('writes %s', (subformat) => {
    const settings = { subformat };
    const check = (name: string, raw: string): void => {
      qemuImg('check', '-f', 'vmdk', path(name));
      qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path(name), path(raw));
      const facts = JSON.parse(qemuImg('info', '-f', 'vmdk', '--output=json', path(name))) as {
        readonly 'format-specific': { readonly data: { readonly 'create-type': string } };
      };
      expect(facts['format-specific'].data['create-type']).toBe(subformat);
    };

    test.each([
      ['islands over several tables', SIZE, ISLANDS],
      ['an empty disk', 10 * MIB, []],
      ['a disk of one sector', 512, [{ at: 0, length: 512, pattern: 3 }]],
      ['the last sector only', 33 * MIB + 512, [{ at: 33 * MIB, length: 512, pattern: 4 }]],
      ['a full disk', 6 * MIB, [{ at: 0, length: 6 * MIB, pattern: 5 }]],
    ] as const)('%s, as qemu-img checks and compares', (what, size, islands) => {
      const name = `${subformat} ${what}`;
      qemuImg('create', '-f', 'raw', path(`${name}.raw`), String(size));
      if (islands.length > 0) writeIslands(`${name}.raw`, 'raw', islands);
      write(`${name}.vmdk`, size, { islands, settings });
      check(`${name}.vmdk`, `${name}.raw`);
      using image = open(`${name}.vmdk`);
      expectIslands(image, islands);
    });

    // qemu-img needs minutes to check or compare a disk of that size, so qemu-io reads where the data is and where it is not.
    test.each([2 * TIB, 16 * TIB])('a sparse disk of %i bytes, as qemu-io reads it', (size) => {
      const islands = [
        { at: TIB, length: 70_144, pattern: 6 },
        { at: size - 512, length: 512, pattern: 7 },
      ];
      const name = `${subformat}-${size}.vmdk`;
      write(name, size, { islands, settings });
      const zeros = [
        { at: TIB - MIB, length: MIB, pattern: 0 },
        { at: TIB + 70_144, length: MIB, pattern: 0 },
        { at: size - MIB, length: MIB - 512, pattern: 0 },
      ];
      const reads = [...islands, ...zeros].flatMap(({ at, length, pattern }) => ['-c', `read -P ${pattern} ${at} ${length}`]);
      expect(qemu('qemu-io', '-r', '-f', 'vmdk', ...reads, path(name))).not.toContain('failed');
      using image = open(name);
      expectIslands(image, islands);
    });
  });
});

const contentOfIslands =
  (islands: readonly Island[]): DiskContent =>
  (offset, length) =>
    isTouched(islands, { offset, length }) ? islandContent(islands, { offset, length }) : undefined;

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GIB, KIB, MIB, TIB, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { calm, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WritableDiskFile } from '../../file/disk-file.ts';
import { imageInspector } from '../../inspect/image-inspector.ts';
import { expectIslands, expectSameBytes, extentsOf, islandDisk, writeCommands, type Island } from '../build-islands.ts';
import type { DiskImage } from '../disk-image.ts';
import { openImage } from '../open-image.ts';
import { geometryFor } from '../vhd/geometry.ts';
import { buildImage, type BuiltDisk } from './build-image.ts';

/** Machines that run much else at once. */
const TIMEOUT_MS = 120_000;
const ISLANDS: readonly Island[] = [
  { at: 0, length: 512, pattern: 1 },
  { at: 3 * MIB + 512, length: 200 * KIB, pattern: 2 },
  { at: 8 * MIB - 1024, length: 2048, pattern: 3 },
  { at: 20 * MIB, length: 3 * MIB, pattern: 4 },
];
/** Not a whole number of blocks, of either format. */
const SIZE = 30 * MIB + 5 * 512;
/** QEMU's names. */
const QEMU: Partial<Readonly<Record<ImageFormat, string>>> = { vhd: 'vpc', vdi: 'vdi' };

describe.skipIf(missing('qemu-img', 'qemu-io'))('VHD and VDI beside qemu-img', { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'blocks-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const path = (name: string): string => join(folder, name);
  const qemu = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });
  const qemuImg = (...args: readonly string[]): string => qemu('qemu-img', ...args);
  const writeIslands = (name: string, format: string, islands: readonly Island[]): void => {
    qemu('qemu-io', '-f', format, ...writeCommands(islands), path(name));
  };
  const sizeByQemu = (name: string, format: string): number => {
    const facts: { readonly 'virtual-size': number } = JSON.parse(qemuImg('info', '-f', format, '--output=json', path(name)));
    return facts['virtual-size'];
  };
  const open = (name: string, format: ImageFormat): DiskImage => openImage({ path: path(name), format, references: 'refuse' });
  const detect = async (name: string): Promise<ImageFormat> => (await imageInspector.refer(path(name), { ...calm, references: 'refuse' })).format;
  const write = (name: string, disk: BuiltDisk, settings: ImageSettings): void => {
    using file = WritableDiskFile.open(path(name), 'create');
    buildImage(file, disk, settings);
  };

  describe('reads what qemu-img makes', () => {
    beforeAll(() => {
      qemuImg('create', '-f', 'raw', path('islands.raw'), String(SIZE));
      writeIslands('islands.raw', 'raw', ISLANDS);
    });

    test.each([
      ['vhd', 'subformat=dynamic,force_size=on'],
      ['vhd', 'subformat=dynamic,force_size=off'],
      ['vhd', 'subformat=fixed,force_size=on'],
      ['vhd', 'subformat=fixed,force_size=off'],
      ['vdi', 'static=off'],
      ['vdi', 'static=on'],
    ] as const)('%s with %s: its format, its size, the same bytes, every extent true', async (format, options) => {
      const name = `theirs-${options}.${format}`;
      const theirs = QEMU[format] ?? '';
      qemuImg('convert', '-f', 'raw', '-O', theirs, '-o', options, path('islands.raw'), path(name));
      expect(await detect(name)).toBe(format);
      using image = open(name, format);
      expect(image.virtualSize).toBe(sizeByQemu(name, theirs));
      expect(options.includes('force_size=off') || image.virtualSize === SIZE).toBe(true);
      expectIslands(image, ISLANDS);
      qemuImg('convert', '-f', theirs, '-O', 'raw', path(name), path(`${name}.raw`));
      expectSameBytes(image, path(`${name}.raw`));
    });

    test('blocks that a guest rewrote, zeroed and discarded', () => {
      for (const format of ['vhd', 'vdi'] as const) {
        const theirs = QEMU[format] ?? '';
        const name = `edited.${format}`;
        qemuImg('create', '-f', theirs, path(name), '24M');
        const commands = ['write -P 7 20M 1M', 'write -P 8 1M 2M', 'write -z 2M 1M', 'write -P 9 5000k 4k', 'write -P 3 0 512'];
        qemu('qemu-io', '-f', theirs, ...commands.flatMap((command) => ['-c', command]), path(name));
        using image = open(name, format);
        expectIslands(image, [
          { at: 20 * MIB, length: MIB, pattern: 7 },
          { at: MIB, length: MIB, pattern: 8 },
          { at: 5000 * KIB, length: 4 * KIB, pattern: 9 },
          { at: 0, length: 512, pattern: 3 },
        ]);
      }
    });

    test('the size of disks with every kind of geometry', () => {
      for (const size of ['1M', '130M', '500M', '10G', '127G', '130G', '2040G']) {
        for (const force of ['on', 'off']) {
          const name = `size-${size}-${force}.vhd`;
          qemuImg('create', '-f', 'vpc', '-o', `force_size=${force}`, path(name), size);
          using image = open(name, 'vhd');
          expect(image.virtualSize).toBe(sizeByQemu(name, 'vpc'));
          if (force === 'on') continue;
          const { cylinders, heads, sectors } = geometryFor(image.virtualSize);
          expect(image.info.details).toMatchObject({ geometry: `${cylinders}/${heads}/${sectors}` });
        }
      }
    });

    test.each([
      ['vhd', 'subformat=dynamic,force_size=on', 2040 * GIB],
      ['vdi', 'static=off', 2 * TIB],
    ] as const)('a sparse %s with %s and %i bytes in little time', (format, options, size) => {
      const name = `giant.${format}`;
      const theirs = QEMU[format] ?? '';
      qemuImg('create', '-f', theirs, '-o', options, path(name), String(size));
      const islands = [
        { at: TIB + 512, length: 4096, pattern: 11 },
        { at: size - 512, length: 512, pattern: 12 },
      ];
      writeIslands(name, theirs, islands);
      const began = process.threadCpuUsage();
      using image = open(name, format);
      const data = extentsOf(image).filter(({ kind }) => kind === 'data');
      // QEMU fills a block of a VDI with zeros, and leaves the rest of one of a VHD out.
      expect(data.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(2 * MIB);
      const { user, system } = process.threadCpuUsage(began);
      expect(user + system).toBeLessThan(1_000_000);
      expectIslands(image, islands);
    });
  });

  describe.each<ImageSettings>([
    { format: 'vhd', subformat: 'dynamic' },
    { format: 'vhd', subformat: 'dynamic', clusterSize: 512 * KIB },
    { format: 'vhd', subformat: 'fixed' },
    { format: 'vhd', subformat: 'fixed', preallocation: 'full' },
    { format: 'vdi', subformat: 'dynamic' },
    { format: 'vdi', subformat: 'static' },
    { format: 'vdi', subformat: 'static', preallocation: 'falloc' },
  ])('writes %o', (settings) => {
    const theirs = QEMU[settings.format] ?? '';
    const named = (what: string): string => `${Object.values(settings).join('-')} ${what}`;

    test.each([
      ['islands', SIZE, ISLANDS],
      ['an empty disk', 10 * MIB, []],
      ['a disk of one sector', 512, [{ at: 0, length: 512, pattern: 3 }]],
      ['the last sector only', 9 * MIB + 512, [{ at: 9 * MIB, length: 512, pattern: 4 }]],
      ['a full disk', 6 * MIB, [{ at: 0, length: 6 * MIB, pattern: 5 }]],
    ] as const)('%s, as qemu-img knows, checks and compares', async (what, size, islands) => {
      const name = named(what);
      qemuImg('create', '-f', 'raw', path(`${name}.raw`), String(size));
      if (islands.length > 0) writeIslands(`${name}.raw`, 'raw', islands);
      write(name, islandDisk(size, islands), settings);
      expect(sizeByQemu(name, theirs)).toBe(size);
      qemuImg('compare', '-f', theirs, '-F', 'raw', path(name), path(`${name}.raw`));
      if (settings.format === 'vdi') expect(qemuImg('check', '-f', 'vdi', path(name))).toContain('No errors');
      expect(await detect(name)).toBe(settings.format);
      using image = open(name, settings.format);
      expectIslands(image, islands);
    });

    test('a disk that qemu goes on writing to', () => {
      const name = named('rewritten');
      write(name, islandDisk(SIZE, ISLANDS), settings);
      const more = [
        { at: 12 * MIB, length: 100 * KIB, pattern: 6 },
        { at: 8 * MIB + 4096, length: 4096, pattern: 7 },
      ];
      writeIslands(name, theirs, more);
      if (settings.format === 'vdi') expect(qemuImg('check', '-f', 'vdi', path(name))).toContain('No errors');
      using image = open(name, settings.format);
      expectIslands(image, [...ISLANDS, ...more]);
    });
  });

  test.each([
    [2040 * GIB, { format: 'vhd' }],
    [2040 * GIB, { format: 'vhd', clusterSize: 512 * KIB }],
    [16 * TIB, { format: 'vdi' }],
  ] as const)('writes a sparse disk of %i bytes as %o, as qemu-io reads it', (size, settings) => {
    const islands = [
      { at: TIB, length: 70_144, pattern: 6 },
      { at: size - 512, length: 512, pattern: 7 },
    ];
    const name = `${Object.values(settings).join('-')}-giant`;
    write(name, islandDisk(size, islands), settings);
    const zeros = [
      { at: TIB - MIB, length: MIB, pattern: 0 },
      { at: TIB + 70_144, length: MIB, pattern: 0 },
      { at: size - MIB, length: MIB - 512, pattern: 0 },
    ];
    const reads = [...islands, ...zeros].flatMap(({ at, length, pattern }) => ['-c', `read -P ${pattern} ${at} ${length}`]);
    expect(qemu('qemu-io', '-r', '-f', QEMU[settings.format] ?? '', ...reads, path(name))).not.toContain('failed');
    using image = open(name, settings.format);
    expectIslands(image, islands);
  });

  test('Azure gets a fixed disk of whole mebibytes and a footer', () => {
    write('azure.vhd', islandDisk(SIZE, ISLANDS), { format: 'vhd', subformat: 'azure' });
    expect(sizeByQemu('azure.vhd', 'vpc')).toBe(31 * MIB);
    const bytes = readFileSync(path('azure.vhd'));
    expect(bytes.length).toBe(31 * MIB + 512);
    expect(bytes.toString('latin1', 31 * MIB, 31 * MIB + 8)).toBe('conectix');
  });
});

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIB, MIB, TIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReadableDiskFile, WritableDiskFile } from '../../file/disk-file.ts';
import { buildImage, type BuiltDisk } from '../blocks/build-image.ts';
import { expectIslands, expectSameBytes, extentsOf, islandDisk, writeCommands, type Island } from '../build-islands.ts';
import type { DiskImage } from '../disk-image.ts';
import { AT, editVhdx, sectorChange } from './edit-vhdx.ts';
import { vhdxReader } from './reader.ts';

/** Machines that run much else at once. */
const TIMEOUT_MS = 120_000;
const ISLANDS: readonly Island[] = [
  { at: 0, length: 512, pattern: 1 },
  { at: 3 * MIB + 512, length: 200 * KIB, pattern: 2 },
  { at: 32 * MIB - 1024, length: 2048, pattern: 3 },
  { at: 40 * MIB, length: 64 * KIB, pattern: 4 },
];
/** Three writes of QEMU make more syncs than this; a log is in use at every third or so of them. */
const SYNCS_TRIED = 8;
const ROUNDS_MAX = 5;
/** Not a whole number of blocks. */
const SIZE = 70 * MIB + 5 * 512;

describe.skipIf(missing('qemu-img', 'qemu-io'))('VHDX beside QEMU', { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vhdx-'));
    qemu('qemu-img', 'create', '-f', 'raw', path('islands.raw'), String(SIZE));
    writeIslands('islands.raw', 'raw', ISLANDS);
  }, TIMEOUT_MS);
  afterAll(() => rmSync(folder, { recursive: true }));

  const path = (name: string): string => join(folder, name);
  const qemu = (program: string, ...args: readonly string[]): string =>
    execFileSync('timeout', ['-s', 'KILL', '100', program, ...args], { encoding: 'utf8', stdio: 'pipe' });
  const qemuImg = (...args: readonly string[]): string => qemu('qemu-img', ...args);
  const writeIslands = (name: string, format: string, islands: readonly Island[]): void => {
    qemu('qemu-io', '-t', 'unsafe', '-f', format, ...writeCommands(islands), path(name));
  };
  const open = (name: string): DiskImage =>
    vhdxReader.open(ReadableDiskFile.open(path(name)), { references: 'refuse', openReference: () => expect.unreachable(), depth: 0 });
  const write = (name: string, disk: BuiltDisk, settings: Omit<ImageSettings, 'format'>): void => {
    using file = WritableDiskFile.open(path(name), 'create');
    buildImage(file, disk, { format: 'vhdx', ...settings });
  };

  describe('reads what qemu-img makes', () => {
    test.each([
      ['dynamic', ''],
      ['dynamic', ',block_size=1M'],
      ['dynamic', ',block_size=256M'],
      ['dynamic', ',log_size=4M'],
      ['dynamic', ',block_state_zero=off'],
      ['fixed', ''],
      ['fixed', ',block_size=2M,log_size=2M'],
    ])('%s%s: same bytes, every extent true', (subformat, more) => {
      const name = `${subformat}${more}.vhdx`.replaceAll(',', '-');
      qemuImg('convert', '-t', 'unsafe', '-f', 'raw', '-O', 'vhdx', '-o', `subformat=${subformat}${more}`, path('islands.raw'), path(name));
      using image = open(name);
      expect(image.virtualSize).toBe(SIZE);
      expectIslands(image, ISLANDS);
      expectSameBytes(image, path('islands.raw'));
    });

    test('blocks that a guest wrote in any order', () => {
      const edits = [60, 9, 33, 10, 59, 1].map((mebibyte, at) => ({ at: mebibyte * MIB + at * 512, length: 300 * KIB, pattern: at + 20 }));
      qemuImg('convert', '-t', 'unsafe', '-f', 'raw', '-O', 'vhdx', '-o', 'block_size=1M', path('islands.raw'), path('edited.vhdx'));
      writeIslands('edited.vhdx', 'vhdx', edits);
      qemuImg('convert', '-f', 'vhdx', '-O', 'raw', path('edited.vhdx'), path('edited.raw'));
      using image = open('edited.vhdx');
      expectSameBytes(image, path('edited.raw'));
    });

    test('an empty disk of 64 TiB, in no time', () => {
      qemuImg('create', '-f', 'vhdx', '-o', 'block_size=1M,block_state_zero=off', path('vast.vhdx'), '64T');
      using image = open('vast.vhdx');
      const start = process.threadCpuUsage();
      expect(extentsOf(image)).toEqual([{ offset: 0, length: 64 * TIB, kind: 'hole' }]);
      expect(process.threadCpuUsage(start).user).toBeLessThan(1_000_000);
    });
  });

  describe('replays a log as QEMU does', () => {
    /** Lets QEMU replay the log of a copy, which must have the content that we see; answers whether there was one to replay. */
    const isReplayed = (name: string): unknown => {
      const before = readFileSync(path(name));
      using image = open(name);
      cpSync(path(name), path(`${name}.qemu`));
      // Checking for repair is what has QEMU write a log back.
      qemuImg('check', '-q', '-r', 'all', '-f', 'vhdx', path(`${name}.qemu`));
      qemuImg('convert', '-f', 'vhdx', '-O', 'raw', path(`${name}.qemu`), path(`${name}.raw`));
      expectSameBytes(image, path(`${name}.raw`));
      expect(Buffer.compare(readFileSync(path(name)), before)).toBe(0);
      return image.info.details['logReplayed'];
    };

    test('of several entries, with sectors and zeros', () => {
      const bytes = editVhdx((image) => {
        const table = sectorChange(image.bytes, AT.table, (sector) => sector.copyWithin(8, 16, 24).fill(0, 16, 24));
        // QEMU takes an entry at the start of the ring for the first of its sequence, so this one does not go around the end.
        image.log([
          {
            sequence: 9,
            changes: [
              { offset: AT.blocks + 8192, zeros: 12_288 },
              { offset: AT.blocks, bytes: Buffer.alloc(4096, 0x5a) },
            ],
          },
          { sequence: 10, changes: [table, { offset: AT.blocks + 4096, bytes: Buffer.alloc(4096, 0xa5) }] },
        ]);
      });
      writeFileSync(path('built.vhdx'), bytes);
      expect(isReplayed('built.vhdx')).toBe(true);
      using image = open('built.vhdx');
      expect([0, 4096, 8192, 20_480, MIB, 2 * MIB].map((at) => byteAt(image, at))).toEqual([0x5a, 0xa5, 0, 1, 3, 0]);
    });

    test.skipIf(missing('strace'))('of a writer that was killed at any of its syncs', () => {
      const commands = writeCommands([20, 3, 50].map((at) => ({ at: at * MIB, length: MIB, pattern: at })));
      const states: unknown[] = [];
      // strace counts the syncs of each thread by itself, and QEMU's threads share them as they come: now and then none of a round is hit in between.
      for (let at = 0; at < ROUNDS_MAX * SYNCS_TRIED && !(at >= SYNCS_TRIED && states.includes(true)); at += 1) {
        const name = `killed-${at}.vhdx`;
        qemuImg('create', '-f', 'vhdx', '-o', 'block_size=1M', path(name), '64M');
        const inject = `inject=fdatasync:signal=KILL:when=${(at % SYNCS_TRIED) + 1}`;
        try {
          qemu(
            'strace',
            '-f',
            '-qq',
            '-o',
            path('strace.log'),
            '-e',
            'trace=fdatasync',
            '-e',
            inject,
            'qemu-io',
            '-f',
            'vhdx',
            ...commands,
            path(name),
          );
        } catch {
          // It was killed, as it should be.
        }
        states.push(isReplayed(name));
      }
      expect(states).toContain(true);
      expect(states).toContain(false);
    });
  });

  describe.each([
    { subformat: 'dynamic' },
    { subformat: 'dynamic', clusterSize: MIB },
    { subformat: 'dynamic', clusterSize: 256 * MIB },
    { subformat: 'fixed' },
    { subformat: 'fixed', clusterSize: 8 * MIB, preallocation: 'falloc' },
  ] as const)('is read by it when written as %o', (settings) => {
    test.each<[string, number, readonly Island[]]>([
      ['islands over several blocks', SIZE, ISLANDS],
      ['an empty disk', 10 * MIB, []],
      ['a disk of one sector', 512, [{ at: 0, length: 512, pattern: 3 }]],
      ['the last sector only', 33 * MIB + 512, [{ at: 33 * MIB, length: 512, pattern: 4 }]],
      ['a full disk', 6 * MIB, [{ at: 0, length: 6 * MIB, pattern: 5 }]],
    ])('%s', (what, size, islands) => {
      const name = `${what} ${Object.values(settings).join(' ')}`;
      qemuImg('create', '-f', 'raw', path(`${name}.raw`), String(size));
      if (islands.length > 0) writeIslands(`${name}.raw`, 'raw', islands);
      write(`${name}.vhdx`, islandDisk(size, islands), settings);
      qemuImg('compare', '-f', 'raw', '-F', 'vhdx', path(`${name}.raw`), path(`${name}.vhdx`));
      qemuImg('check', '-q', '-f', 'vhdx', path(`${name}.vhdx`));
      using image = open(`${name}.vhdx`);
      expect(image.info).toMatchObject({ subformat: settings.subformat, virtualSize: size });
      expectIslands(image, islands);
    });
  });

  test('a disk of 64 TiB that holds little takes little, and qemu-io finds it', () => {
    const islands = [
      { at: TIB, length: 70_144, pattern: 6 },
      { at: 64 * TIB - 512, length: 512, pattern: 7 },
    ];
    write('large.vhdx', islandDisk(64 * TIB, islands), {});
    expect(statSync(path('large.vhdx')).blocks * 512).toBeLessThan(2 * MIB);
    const zeros = [TIB - MIB, TIB + 70_144, 64 * TIB - MIB].map((at) => ({ at, length: MIB - 512, pattern: 0 }));
    const reads = [...islands, ...zeros].flatMap(({ at, length, pattern }) => ['-c', `read -P ${pattern} ${at} ${length}`]);
    expect(qemu('qemu-io', '-r', '-f', 'vhdx', ...reads, path('large.vhdx'))).not.toContain('failed');
    using image = open('large.vhdx');
    expectIslands(image, islands);
  });

  test('an image of ours can be written on', () => {
    write('ours.vhdx', islandDisk(SIZE, ISLANDS), {});
    const more = { at: 50 * MIB, length: MIB, pattern: 9 };
    writeIslands('ours.vhdx', 'vhdx', [more]);
    qemuImg('check', '-q', '-f', 'vhdx', path('ours.vhdx'));
    using image = open('ours.vhdx');
    expectIslands(image, [...ISLANDS, more]);
  });
});

function byteAt(image: DiskImage, offset: number): number | undefined {
  const into = new Uint8Array(1);
  image.read(offset, into);
  return into[0];
}

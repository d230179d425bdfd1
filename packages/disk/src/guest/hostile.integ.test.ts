import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIB, MIB, type GuestLook } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openImage } from '../format/open-image.ts';
import { lookAtDisk, makeEfiSystem, makeExt, makeSparse, makeXfs, run } from './build-guest-disk.ts';
import { PatchedDisk } from './hostile-disk.ts';

const TIMEOUT_MS = 60_000;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-guest-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Bytes at a place, and what is then said: a part of a finding, or nothing when the damage does not matter. */
type Case = readonly [what: string, offset: number, hex: string, said: RegExp];

interface Victim {
  readonly name: string;
  readonly programs: readonly string[];
  readonly kind: string;
  readonly make: (folder: string) => string;
  readonly cases: readonly Case[];
}

const SUPER = KIB;

const VICTIMS: readonly Victim[] = [
  {
    name: 'ext4',
    programs: ['mkfs.ext4'],
    kind: 'ext4',
    make: (place) => makeExt(place, 'ext4', { options: ['-b', '1024'] }),
    cases: [
      ['a label that was changed', SUPER + 0x78, '41', /checksum of the ext superblock is wrong/],
      ['blocks of 2^17 bytes', SUPER + 0x18, '07000000', /block size that does not exist/],
      ['blocks of 2^4294967305 bytes', SUPER + 0x18, 'ffffffff', /block size that does not exist/],
      ['no inodes in a group', SUPER + 0x28, '00000000', /sizes of inodes or groups that cannot be/],
      ['inodes of 3 bytes', SUPER + 0x58, '0300', /sizes of inodes or groups that cannot be/],
      ['inodes larger than blocks', SUPER + 0x58, '0080', /sizes of inodes or groups that cannot be/],
      ['descriptors of 7 bytes', SUPER + 0xfe, '0700', /sizes of inodes or groups that cannot be/],
      ['more blocks than its volume', SUPER + 4, 'ffffffff', /its volume has/],
      ['two inodes in all', SUPER, '02000000', /inode \d+, which does not exist/],
      ['a first block beyond the end', SUPER + 0x14, 'f0ffffff', /no room for it/],
      ['an inode table beyond the end', 2 * KIB + 8, 'ffffff7f', /no room for it/],
      ['recorded errors', SUPER + 0x3a, '0200', /recorded errors/],
      ['meta groups', SUPER + 0x60, 'd2020000', /meta groups/],
    ],
  },
  {
    name: 'XFS',
    programs: ['mkfs.xfs'],
    kind: 'xfs',
    make: (place) => makeXfs(place, 'xfs', { options: [] }),
    cases: [
      ['a label that was changed', 108, '41', /checksum of the XFS superblock is wrong/],
      ['version 9', 100, 'b4a9', /contradict each other/],
      ['blocks of 2^255 bytes', 120, 'ff', /contradict each other/],
      ['blocks of zero bytes', 4, '00000000', /contradict each other/],
      ['inodes of 2^31 bytes', 122, '1f', /contradict each other/],
      ['groups larger than their numbers', 84, 'ffffffff', /contradict each other/],
      ['folders with blocks of 2^200 bytes', 192, 'c8', /contradict each other/],
      ['a root inode beyond the end', 56, '7fffffffffffffff', /which does not exist/],
      ['a root inode that is none', 56, '0000000000000000', /no magic number/],
      ['no groups', 88, '00000000', /which does not exist/],
      ['more blocks than its volume', 8, '000000ffffffffff', /its volume has/],
    ],
  },
  {
    name: 'FAT32',
    programs: ['mkfs.vfat', 'mmd', 'mcopy'],
    kind: 'fat32',
    make: (place) => makeEfiSystem(place, 'fat'),
    cases: [
      ['no tables', 36, '00000000', /no room for files/],
      ['tables beyond the end', 36, 'ffffffff', /no room for files/],
      ['a root cluster outside', 44, 'ffffff0f', /leads outside the file system/],
      ['a root cluster of zero', 44, '00000000', /leads outside the file system/],
      ['a root that is its own next cluster', 32 * 512 + 8, '02000000', /goes on without end/],
      ['a root whose next cluster is outside', 32 * 512 + 8, 'f0ffff07', /leads outside the file system|no room for it/],
      ['more sectors than its volume', 32, 'ffffff7f', /its volume has/],
    ],
  },
  {
    name: 'NTFS',
    programs: ['mkntfs'],
    kind: 'ntfs',
    make: (place) => {
      const path = makeSparse(place, 'ntfs', 16 * MIB);
      run('mkntfs', ['-q', '-F', path]);
      return path;
    },
    cases: [
      ['sectors of zero bytes', 11, '0000', /sizes that do not exist/],
      ['clusters of 2^127 bytes', 13, '81', /sizes that do not exist/],
      ['records of 2^127 bytes', 64, '81', /sizes that do not exist/],
      ['a file table beyond the end', 48, 'ffffffffff000000', /no room for it/],
      ['a file table in the boot sector', 48, '0000000000000000', /no magic number/],
      ['a file table that was torn', 16 * KIB + 510, 'dead', /torn while it was written/],
      ['attributes of no length', 16 * KIB + 56 + 4, '00000000', /impossible length/],
      ['attributes outside their record', 16 * KIB + 20, 'ffff', /cut short or points outside/],
      ['more sectors than its volume', 40, 'ffffffffff0f0000', /its volume has/],
      ['a record of the volume that is gone', 16 * KIB + 3 * KIB, '00', /record of the NTFS volume cannot be read/],
    ],
  },
  {
    name: 'exFAT',
    programs: ['mkfs.exfat'],
    kind: 'exfat',
    make: (place) => {
      const path = makeSparse(place, 'exfat', 16 * MIB);
      run('mkfs.exfat', ['-L', 'label', path]);
      return path;
    },
    cases: [
      ['sectors of 2^255 bytes', 108, 'ff', /sizes that do not exist/],
      ['clusters of 2^255 bytes', 109, 'ff', /sizes that do not exist/],
      ['a root folder outside', 96, 'ffffffff', /no room for it/],
      ['a root folder before the start', 96, '00000000', /no room for it|^$/],
    ],
  },
  {
    name: 'GPT',
    programs: ['sfdisk'],
    kind: 'empty',
    make: (place) => {
      const path = makeSparse(place, 'gpt', 16 * MIB);
      run('sfdisk', ['-q', path], 'label: gpt\nsize=1M\nsize=2M\n');
      return path;
    },
    cases: [
      ['a header of 4 GiB', 512 + 12, 'ffffffff', /backup was used/],
      ['four billion entries', 512 + 80, 'ffffffff', /checksum of its header is wrong/],
      ['entries that were changed', 1024 + 34, 'ee', /checksum of its entries is wrong/],
      ['no signature', 512, '00', /backup was used/],
      ['no protective entry', 446, '00'.repeat(64), /no protective entry/],
    ],
  },
];

describe.each(VICTIMS)('a hostile $name', ({ programs, kind, make, cases }) => {
  describe.skipIf(missing(...programs))('is described, with what is wrong', { timeout: TIMEOUT_MS }, () => {
    let path = '';
    beforeAll(() => {
      path = make(folder);
    }, TIMEOUT_MS);

    const lookAtPatched = async (offset: number, hex: string): Promise<GuestLook> => {
      using image = openImage({ path, format: 'raw', references: 'refuse' });
      return await lookAtDisk(new PatchedDisk(image, [{ offset, bytes: Buffer.from(hex, 'hex') }]));
    };

    test('as long as it is whole, nothing', async () => {
      expect(await lookAtPatched(0, '')).toMatchObject({ findings: [], complete: true });
    });

    test.each(cases)('%s', async (...[, offset, hex, said]) => {
      const look = await lookAtPatched(offset, hex);
      expect(look.findings.map(({ summary }) => summary).join('\n')).toMatch(said);
      expect(look.complete).toBe(true);
      expect([kind, 'unknown', 'empty', 'fat16', 'fat12']).toContain(look.volumes[0]?.content.kind);
    });

    test('cut short anywhere, it ends in an answer', async () => {
      using image = openImage({ path, format: 'raw', references: 'refuse' });
      for (const size of [0, 1, 511, 512, 513, 1024, 2048, 4096, 20_000, 70_000, MIB, 5 * MIB + 7]) {
        const look = await lookAtDisk(new PatchedDisk(image, [], size));
        expect(look.complete).toBe(true);
      }
    });
  });
});

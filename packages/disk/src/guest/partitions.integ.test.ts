import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB, type GuestLook } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyOf, DEBIAN, lookAt, makeCloudDisk, makeEfiSystem, makeExt, makeSparse, placeAt, run } from './build-guest-disk.ts';

const TIMEOUT_MS = 60_000;
const SIZE = 100 * MIB;
const SECTOR = 512;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'partitions-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

interface Listed {
  readonly number: number;
  readonly offset: number;
  readonly size: number;
  readonly type: string;
  readonly bootable: boolean;
  readonly name?: string;
}

/** What sfdisk says, in our words; without the extended partition, which holds others and nothing else. */
function listedBy(text: string, path: string): readonly Listed[] {
  const { partitiontable: table } = JSON.parse(text) as {
    partitiontable: {
      sectorsize: number;
      partitions: { node: string; start: number; size: number; type: string; bootable?: boolean; name?: string }[];
    };
  };
  return table.partitions
    .map(({ node, start, size, type, bootable, name }) => ({
      number: Number(node.slice(path.length).replace('p', '')),
      offset: start * table.sectorsize,
      size: size * table.sectorsize,
      type: type.length > 2 ? type.toLowerCase() : `0x${type.padStart(2, '0')}`,
      bootable: bootable ?? false,
      ...(name === undefined ? {} : { name }),
    }))
    .filter(({ type }) => type !== '0x05');
}

const seenIn = (look: GuestLook): readonly Listed[] =>
  look.volumes.map(({ partition, offset = 0, size }) => ({
    number: partition?.number ?? 0,
    offset,
    size,
    type: partition?.type ?? '',
    bootable: partition?.bootable ?? false,
    ...(partition?.name === undefined ? {} : { name: partition.name }),
  }));

describe.skipIf(missing('sfdisk'))('partition tables beside sfdisk', { timeout: TIMEOUT_MS }, () => {
  test.each([
    ['GPT', 'label: gpt\nsize=10M,type=U,name="EFI part"\nsize=20M,type=S\nsize=30M,type=L,name="Wurzel ü"\n'],
    ['GPT with more entries', 'label: gpt\ntable-length: 256\nsize=1M\nsize=2M\nsize=3M\n'],
    ['GPT with a gap and numbers out of order', 'label: gpt\n5: start=40960,size=2048\n2: start=90112,size=2048\n'],
    ['MBR', 'label: dos\nsize=10M,type=c,bootable\nsize=20M,type=83\nsize=30M,type=7\n'],
    ['MBR with logical partitions', 'label: dos\nsize=10M,type=83,bootable\ntype=5\nsize=5M,type=83\nsize=6M,type=82\nsize=7M,type=8e\n'],
  ])('%s', async (name, script) => {
    const path = makeSparse(folder, name.replaceAll(' ', '-'), SIZE);
    run('sfdisk', ['-q', path], script);
    const look = await lookAt(path);
    const told = listedBy(run('sfdisk', ['--json', path]), path);
    expect(told.length).toBeGreaterThan(1);
    expect(seenIn(look)).toEqual(told);
    expect(look).toMatchObject({ table: name.startsWith('GPT') ? 'gpt' : 'mbr', sectorSize: 512, findings: [], complete: true });
    expect(look.volumes.map(({ content }) => content.kind)).toEqual(told.map(() => 'empty'));
  });

  test('sixty logical partitions', async () => {
    const path = makeSparse(folder, 'sixty', SIZE);
    run('sfdisk', ['-q', path], `label: dos\ntype=5\n${'size=1M,type=83\n'.repeat(48)}`);
    expect(seenIn(await lookAt(path))).toEqual(listedBy(run('sfdisk', ['--json', path]), path));
  });
});

describe.skipIf(cannotLoop('sfdisk', 'mkfs.ext4'))('disks with sectors of 4096 bytes', { timeout: TIMEOUT_MS }, () => {
  test.each(['gpt', 'dos'])('%s counts in them', async (label) => {
    const path = makeSparse(folder, `wide-${label}`, SIZE);
    const device = run('losetup', ['-f', '--show', '-b', '4096', path]).trim();
    try {
      run('sfdisk', ['-q', '--no-reread', device], `label: ${label}\nsize=10M\nsize=50M\n`);
      const told = listedBy(run('sfdisk', ['--json', device]), device);
      placeAt(makeExt(folder, `ext-for-${label}`, { options: [] }), path, told[1]?.offset ?? 0);
      const look = await lookAt(path);
      expect(look).toMatchObject({ sectorSize: 4096, systems: [{ ...DEBIAN, volume: 'partition 2' }], findings: [] });
      expect(seenIn(look)).toEqual(told);
    } finally {
      run('losetup', ['-d', device]);
    }
  });
});

describe.skipIf(missing('sfdisk', 'mkfs.ext4', 'mkfs.vfat', 'mmd', 'mcopy'))('a disk as clouds have it', { timeout: TIMEOUT_MS }, () => {
  let path = '';
  let whole: GuestLook;
  beforeAll(async () => {
    path = makeCloudDisk(folder, 'cloud');
    whole = await lookAt(path);
  }, TIMEOUT_MS);

  test('is described from end to end', () => {
    expect(whole).toMatchObject({
      table: 'gpt',
      volumes: [
        { place: 'partition 1', partition: { typeName: 'EFI system' }, content: { kind: 'fat32', label: 'ESP' } },
        { place: 'partition 2', partition: { typeName: 'BIOS boot' }, content: { kind: 'empty' } },
        { place: 'partition 3', partition: { name: 'my root' }, content: { kind: 'ext4', label: 'rootfs', clean: true } },
      ],
      systems: [{ ...DEBIAN, volume: 'partition 3' }],
      firmwares: ['uefi'],
      findings: [],
    });
  });

  test.skipIf(missing('qemu-img')).each(['qcow2', 'vmdk'] as const)('is the same inside %s', async (format) => {
    const image = join(folder, `cloud.${format}`);
    run('qemu-img', ['convert', '-O', format, path, image]);
    expect(await lookAt(image, format)).toEqual(whole);
  });

  test('boots from BIOS too when GRUB is in its first sector', async () => {
    const grub = copyOf(path, 'grub');
    overwrite(grub, 0, Buffer.concat([Buffer.from([0xeb, 0x63, 0x90]), Buffer.alloc(0x17d), Buffer.from('GRUB \0Geom\0Hard Disk\0')]));
    expect((await lookAt(grub)).firmwares).toEqual(['bios', 'uefi']);
  });

  test('is found by its backup table when the primary is broken or gone', async () => {
    for (const damage of [Buffer.from('no header'), Buffer.alloc(40, 7)]) {
      const broken = copyOf(path, `broken-${damage.length}`);
      overwrite(broken, SECTOR + (damage.length === 40 ? 48 : 0), damage);
      const look = await lookAt(broken);
      expect(look.volumes).toEqual(whole.volumes);
      expect(look.findings).toMatchObject([{ severity: 'warning', place: 'disk', summary: expect.stringContaining('backup was used') }]);
    }
  });

  test('is told to have no table left when both copies are broken', async () => {
    const broken = copyOf(path, 'both');
    overwrite(broken, SECTOR + 16, Buffer.alloc(4, 7));
    overwrite(broken, SIZE - SECTOR + 16, Buffer.alloc(4, 7));
    const look = await lookAt(broken);
    expect(look).toMatchObject({
      table: 'gpt',
      volumes: [],
      findings: [{ summary: 'Both copies of the GPT are broken (the checksum of its header is wrong).' }],
    });
  });

  test('is told to be cut short', async () => {
    const cut = copyOf(path, 'cut');
    run('truncate', ['-s', String(70 * MIB), cut]);
    const look = await lookAt(cut);
    expect(look.findings.map(({ summary }) => summary).join(' ')).toMatch(/disk may have been cut short.* behind the end of the disk/);
    expect(look.systems).toMatchObject([DEBIAN]);
  });
});

describe.skipIf(missing('parted', 'mkfs.vfat', 'mkfs.ext4'))('boot code', { timeout: TIMEOUT_MS }, () => {
  test('of a partitioning tool starts something only with an active partition', async () => {
    const path = makeSparse(folder, 'parted', SIZE);
    run('parted', ['-s', path, 'mklabel', 'msdos', 'mkpart', 'primary', 'ext4', '1MiB', '50MiB']);
    expect((await lookAt(path)).firmwares).toEqual([]);
    run('parted', ['-s', path, 'set', '1', 'boot', 'on']);
    expect((await lookAt(path)).firmwares).toEqual(['bios']);
  });

  test('of FAT is not taken for a partition table', async () => {
    expect(await lookAt(makeEfiSystem(folder, 'plain-fat'))).toMatchObject({ table: 'none', firmwares: ['uefi'] });
  });
});

function cannotLoop(...programs: readonly string[]): boolean {
  if (process.getuid?.() !== 0 || missing('losetup', ...programs)) return true;
  try {
    run('losetup', ['-f']);
    return false;
  } catch {
    return true;
  }
}

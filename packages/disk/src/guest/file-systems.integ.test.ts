import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { MIB, type VolumeContent } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lookAt, makeEfiSystem, makeExt, makeSparse, makeXfs, run } from './build-guest-disk.ts';

const TIMEOUT_MS = 60_000;
const PASSWORD = 'not a secret';
/** Few rounds: what is looked at does not depend on how well the key is guarded. */
const LUKS = ['luksFormat', '-q', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--key-file', '-'];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guest-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What each kind is called by blkid. */
const BLKID_NAMES: Readonly<Record<string, string>> = { fat12: 'vfat', fat16: 'vfat', fat32: 'vfat', luks: 'crypto_LUKS' };

interface Sample {
  readonly program: string;
  readonly kind: VolumeContent['kind'];
  readonly make: (name: string) => string;
}

const made =
  (size: number, program: string, [args, input]: readonly [args: readonly string[], input?: string]) =>
  (name: string): string => {
    const path = makeSparse(folder, name, size);
    run(program, [...args, path], input);
    return path;
  };

const SAMPLES: readonly (readonly [string, Sample])[] = [
  ['ext2', { program: 'mkfs.ext4', kind: 'ext2', make: made(8 * MIB, 'mkfs.ext2', [['-q', '-L', 'two']]) }],
  ['ext3', { program: 'mkfs.ext4', kind: 'ext3', make: made(16 * MIB, 'mkfs.ext3', [['-q', '-L', 'three']]) }],
  ['ext4', { program: 'mkfs.ext4', kind: 'ext4', make: (name) => makeExt(folder, name, { options: ['-L', 'four'] }) }],
  ['XFS', { program: 'mkfs.xfs', kind: 'xfs', make: (name) => makeXfs(folder, name, { options: ['-L', 'ex-eff-ess'] }) }],
  ['XFS without checksums', { program: 'mkfs.xfs', kind: 'xfs', make: (name) => makeXfs(folder, name, { options: ['-m', 'crc=0'] }) }],
  ['btrfs', { program: 'mkfs.btrfs', kind: 'btrfs', make: made(128 * MIB, 'mkfs.btrfs', [['-q', '-L', 'b tree']]) }],
  ['FAT12', { program: 'mkfs.vfat', kind: 'fat12', make: made(2 * MIB, 'mkfs.vfat', [['-F', '12', '-n', 'TWELVE']]) }],
  ['FAT16', { program: 'mkfs.vfat', kind: 'fat16', make: made(16 * MIB, 'mkfs.vfat', [['-F', '16', '-n', 'SIXTEEN']]) }],
  ['FAT32', { program: 'mkfs.vfat', kind: 'fat32', make: made(40 * MIB, 'mkfs.vfat', [['-F', '32', '-n', 'THIRTYTWO']]) }],
  ['FAT without a label', { program: 'mkfs.vfat', kind: 'fat16', make: made(16 * MIB, 'mkfs.vfat', [[]]) }],
  [
    'FAT with sectors of 4096 bytes',
    { program: 'mkfs.vfat', kind: 'fat16', make: made(64 * MIB, 'mkfs.vfat', [['-S', '4096', '-F', '16', '-n', 'WIDE']]) },
  ],
  ['exFAT', { program: 'mkfs.exfat', kind: 'exfat', make: made(16 * MIB, 'mkfs.exfat', [['-L', 'ex-fat']]) }],
  ['NTFS', { program: 'mkntfs', kind: 'ntfs', make: made(16 * MIB, 'mkntfs', [['-q', '-F', '-L', 'Windows']]) }],
  ['NTFS with clusters of 64 KiB', { program: 'mkntfs', kind: 'ntfs', make: made(64 * MIB, 'mkntfs', [['-q', '-F', '-c', '65536']]) }],
  ['swap', { program: 'mkswap', kind: 'swap', make: made(2 * MIB, 'mkswap', [['-L', 'swop']]) }],
  ['LUKS1', { program: 'cryptsetup', kind: 'luks', make: made(20 * MIB, 'cryptsetup', [[...LUKS, '--type', 'luks1'], PASSWORD]) }],
  [
    'LUKS2',
    { program: 'cryptsetup', kind: 'luks', make: made(20 * MIB, 'cryptsetup', [[...LUKS, '--type', 'luks2', '--label', 'secret'], PASSWORD]) },
  ],
];

describe.each(SAMPLES)('%s beside blkid', (name, sample) => {
  test.skipIf(missing('blkid', sample.program))('kind, label and identity are the same', { timeout: TIMEOUT_MS }, async () => {
    const path = sample.make(name);
    const told = new Map(
      run('blkid', ['-p', '-o', 'export', path])
        .split('\n')
        .map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1).replaceAll('\\', '')]),
    );
    const look = await lookAt(path);
    const content = look.volumes[0]?.content;
    expect(content).toMatchObject({ kind: sample.kind });
    expect(BLKID_NAMES[sample.kind] ?? sample.kind).toBe(told.get('TYPE'));
    expect({ label: content?.label, uuid: content?.uuid }).toEqual({ label: told.get('LABEL'), uuid: told.get('UUID') });
    expect(content?.clean ?? true).toBe(true);
    expect(look).toMatchObject({ table: 'none', findings: [], complete: true, volumes: [{ place: 'disk', offset: 0 }] });
  });
});

describe.skipIf(missing('cryptsetup'))('LUKS beside cryptsetup', { timeout: TIMEOUT_MS }, () => {
  test.each(['luks1', 'luks2'])('the cipher of %s is named', async (type) => {
    const path = makeSparse(folder, `cipher-${type}`, 20 * MIB);
    run('cryptsetup', [...LUKS, '--type', type, '--cipher', 'aes-cbc-essiv:sha256', path], PASSWORD);
    expect((await lookAt(path)).volumes[0]?.content.details).toMatchObject({ cipher: 'aes-cbc-essiv:sha256', version: Number(type.at(-1)) });
    expect(run('cryptsetup', ['luksDump', path])).toContain('essiv');
  });
});

describe.skipIf(missing('xorriso', 'blkid'))('ISO 9660 beside blkid', { timeout: TIMEOUT_MS }, () => {
  test('label and creation time are the same', async () => {
    const path = join(folder, 'disc');
    run('xorriso', ['-as', 'mkisofs', '-quiet', '-V', 'A_DISC', '-o', path, makeSparse(folder, 'file', 10_000)]);
    const told = run('blkid', ['-p', '-o', 'export', path]);
    const content = (await lookAt(path)).volumes[0]?.content;
    expect(content).toMatchObject({ kind: 'iso9660', label: 'A_DISC' });
    expect(told).toContain(`UUID=${content?.uuid ?? 'none'}\n`);
  });
});

describe.skipIf(missing('mkfs.vfat', 'mmd', 'mcopy'))('loaders in FAT', { timeout: TIMEOUT_MS }, () => {
  test.each([12, 16, 32] as const)('are found in FAT%i, with long and short names', async (fat) => {
    const look = await lookAt(makeEfiSystem(folder, `esp-${fat}`, fat));
    expect(look.loaders).toEqual(['/EFI/BOOT/BOOTX64.EFI', '/EFI/debian/a-shim-of-many-letters.efi']);
    expect(look.firmwares).toEqual(['uefi']);
  });
});

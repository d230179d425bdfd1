import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lookAt, makeSparse, run } from './build-guest-disk.ts';
import { windowsHive } from './system/build-hive.ts';

const TIMEOUT_MS = 60_000;
/** Enough names for an index of several blocks, as \Windows\System32 has it. */
const MANY = 1500;
const SERVER = { ProductName: 'Windows Server 2022 Datacenter', CurrentBuild: '20348', DisplayVersion: '21H2' };

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windows-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(missing('hivexsh'))('the hives of these tests beside hivexsh', { timeout: TIMEOUT_MS }, () => {
  test('are read the same by an independent program', () => {
    const path = join(folder, 'SOFTWARE');
    writeFileSync(path, windowsHive(SERVER));
    const told = run('hivexsh', [path], 'cd \\Microsoft\\Windows NT\\CurrentVersion\nlsval\n');
    for (const [name, value] of Object.entries(SERVER)) expect(told).toContain(`"${name}"="${value}"`);
  });
});

describe.skipIf(cannotMountNtfs())('Windows on NTFS', { timeout: TIMEOUT_MS }, () => {
  const install = (name: string, options: readonly string[], fill: (root: string) => void): string => {
    const path = makeSparse(folder, name, 64 * MIB);
    run('mkntfs', ['-q', '-F', ...options, path]);
    const place = join(folder, `${name}-mount`);
    mkdirSync(place);
    run('ntfs-3g', [path, place]);
    try {
      fill(place);
    } finally {
      run('umount', [place]);
    }
    return path;
  };
  const fillWindows = (hive: Buffer | undefined, others: number) => (root: string) => {
    const system = join(root, 'Windows/System32');
    mkdirSync(join(system, 'config'), { recursive: true });
    for (let index = 0; index < others; index += 1) writeFileSync(join(system, `a-library-of-something-${index}.dll`), '');
    if (hive) writeFileSync(join(system, 'config/SOFTWARE'), hive);
  };

  test.each([
    ['its edition and build', { options: [], others: MANY, about: SERVER, name: 'Windows Server 2022 Datacenter 21H2', version: '20348' }],
    [
      'its true name, when it is 11 and says 10',
      {
        options: ['-c', '65536'],
        others: 3,
        about: { ProductName: 'Windows 10 Pro', CurrentBuild: '22631' },
        name: 'Windows 11 Pro',
        version: '22631',
      },
    ],
    [
      'its service pack',
      {
        options: ['-c', '512'],
        others: 100,
        about: { ProductName: 'Windows 7', CurrentBuild: '7601', CSDVersion: 'Service Pack 1' },
        name: 'Windows 7 Service Pack 1',
        version: '7601',
      },
    ],
  ])('is known by %s', async (_, { options, others, about, name, version }) => {
    const look = await lookAt(install(`windows-${version}`, options, fillWindows(windowsHive(about), others)));
    expect(look.systems).toEqual([{ family: 'windows', name, version, volume: 'disk' }]);
    expect(look.findings).toEqual([]);
  });

  test('is known by its folders when its registry is missing or broken', async () => {
    const missingHive = await lookAt(install('no-hive', [], fillWindows(undefined, 10)));
    expect(missingHive).toMatchObject({ systems: [{ family: 'windows', name: 'Windows' }], findings: [] });
    const brokenHive = await lookAt(install('broken-hive', [], fillWindows(Buffer.alloc(8192, 'no hive'), 10)));
    expect(brokenHive).toMatchObject({ systems: [], findings: [{ summary: 'The registry hive has no magic number.' }] });
  });

  test('is told to be hibernated, and not when it has woken up', async () => {
    const look = await lookAt(install('hibernated', [], (root) => writeFileSync(join(root, 'hiberfil.sys'), Buffer.alloc(4096, 'HIBR'))));
    expect(look.findings).toMatchObject([{ severity: 'warning', place: 'disk', summary: expect.stringContaining('hibernated') as string }]);
    const awake = await lookAt(install('awake', [], (root) => writeFileSync(join(root, 'hiberfil.sys'), Buffer.alloc(4096))));
    expect(awake.findings).toEqual([]);
  });

  test('is not found on a volume of files', async () => {
    const look = await lookAt(install('files', [], (root) => writeFileSync(join(root, 'a-file'), 'text')));
    expect(look).toMatchObject({ systems: [], findings: [], volumes: [{ content: { kind: 'ntfs' } }] });
  });
});

function cannotMountNtfs(): boolean {
  if (process.getuid?.() !== 0 || missing('mkntfs', 'ntfs-3g', 'umount')) return true;
  try {
    run('test', ['-c', '/dev/fuse']);
    return false;
  } catch {
    return true;
  }
}

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyOf, DEBIAN, lookAt, makeExt, makeXfs, run } from './build-guest-disk.ts';

const TIMEOUT_MS = 60_000;
/** Enough names for a hashed folder in ext4 and one with an index in XFS. */
const MANY = 3000;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'linux-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(missing('mkfs.ext4'))('the system on ext', { timeout: TIMEOUT_MS }, () => {
  test.each([
    ['by extents', { options: [] }],
    ['by block pointers', { options: ['-O', '^extents,^64bit,^metadata_csum,^flex_bg,^huge_file,^dir_nlink,^extra_isize', '-I', '128'] }],
    ['inside inodes', { options: ['-O', 'inline_data', '-I', '256'] }],
    ['inside large inodes', { options: ['-O', 'inline_data', '-I', '1024'], others: 3 }],
    ['with blocks of 4096 bytes', { options: ['-b', '4096'] }],
    ['without 64-bit numbers', { options: ['-O', '^64bit'] }],
    ['among many names', { options: ['-N', '4000'], others: MANY }],
    ['among many names, by block pointers', { options: ['-N', '4000', '-b', '1024', '-O', '^extents,^64bit'], others: MANY }],
  ])('is found %s', async (name, o) => {
    const look = await lookAt(makeExt(folder, name, o));
    expect(look.systems).toEqual([{ ...DEBIAN, volume: 'disk' }]);
    expect(look.findings).toEqual([]);
  });

  test('is found in a folder that e2fsck has hashed', async () => {
    const path = makeExt(folder, 'hashed', { options: ['-N', '4000'], others: MANY });
    try {
      run('e2fsck', ['-fyD', path]);
    } catch {
      // It ends with 1 when it changed something, which is what it is here for.
    }
    expect(run('debugfs', ['-R', 'htree_dump /etc', path])).toContain('Root node dump');
    expect((await lookAt(path)).systems).toMatchObject([DEBIAN]);
  });

  test('errors that the kernel recorded, and an unfinished journal, are not clean', async () => {
    const path = makeExt(folder, 'states', { options: [] });
    const dirty = copyOf(path, 'journal');
    run('debugfs', ['-w', '-R', 'feature needs_recovery', dirty]);
    expect((await lookAt(dirty)).volumes[0]?.content.clean).toBe(false);
    const broken = copyOf(path, 'errors');
    run('debugfs', ['-w', '-R', 'set_super_value state 2', broken]);
    const look = await lookAt(broken);
    expect(look.volumes[0]?.content.clean).toBe(false);
    expect(look.findings).toMatchObject([{ severity: 'warning', place: 'disk', summary: 'The file system has recorded errors.' }]);
  });
});

describe.skipIf(missing('mkfs.xfs'))('the system on XFS', { timeout: TIMEOUT_MS }, () => {
  test.each([
    ['in short folders', { options: [] }],
    ['in short folders without checksums', { options: ['-m', 'crc=0'] }],
    ['in a folder of one block', { options: [], others: 40 }],
    ['in a folder of several blocks', { options: [], others: 200 }],
    ['in a folder with an index of its own', { options: [], others: MANY }],
    ['in a large folder without checksums and types', { options: ['-m', 'crc=0', '-n', 'ftype=0'], others: MANY }],
    ['in folders with blocks of 64 KiB', { options: ['-n', 'size=65536'], others: MANY }],
    ['in blocks of 1024 bytes', { options: ['-b', 'size=1024'], others: MANY }],
    ['with inodes of 2048 bytes', { options: ['-i', 'size=2048'], others: 20 }],
  ])('is found %s', async (name, o) => {
    const look = await lookAt(makeXfs(folder, name, o));
    expect(look.systems).toEqual([{ ...DEBIAN, volume: 'disk' }]);
    expect(look.findings).toEqual([]);
    expect(look.volumes[0]?.content.clean).toBe(true);
  });
});

describe.skipIf(cannotMount())('mounted file systems', { timeout: TIMEOUT_MS }, () => {
  test.each([
    ['xfs', (name: string) => makeXfs(folder, name, { options: [] })],
    ['ext4', (name: string) => makeExt(folder, name, { options: [] })],
  ] as const)('%s is clean only after it was unmounted', async (type, make) => {
    const path = make(`mounted-${type}`);
    const place = join(folder, `mount-${type}`);
    mkdirSync(place);
    run('mount', ['-t', type, '-o', 'loop', path, place]);
    try {
      run('touch', [join(place, 'a-file')]);
      run('sync', ['-f', place]);
      expect((await lookAt(copyOf(path, 'in-use'))).volumes[0]?.content).toMatchObject({ kind: type, clean: false });
    } finally {
      run('umount', [place]);
    }
    expect((await lookAt(path)).volumes[0]?.content.clean).toBe(true);
  });
});

function cannotMount(): boolean {
  if (process.getuid?.() !== 0 || missing('mount', 'umount', 'mkfs.xfs', 'mkfs.ext4')) return true;
  try {
    run('losetup', ['-f']);
    return false;
  } catch {
    return true;
  }
}

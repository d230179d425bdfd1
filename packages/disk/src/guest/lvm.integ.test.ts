import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEBIAN, lookAt, makeExt, makeSparse, placeAt, run } from './build-guest-disk.ts';

const TIMEOUT_MS = 60_000;
/** pvcreate's default, and vgcreate's. */
const DATA_START = MIB;
const EXTENT = 4 * MIB;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvm-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Two extents in reverse order, so that a reader which ignores segments reads the wrong half first. */
const SPLIT = volume(
  'root',
  ['VISIBLE'],
  [
    { start: 0, count: 4, body: 'type = "striped"\nstripe_count = 1\nstripes = ["pv0", 8]' },
    { start: 4, count: 4, body: 'type = "striped"\nstripe_count = 1\nstripes = ["pv0", 0]' },
  ],
);
const STRIPED = volume(
  'fast',
  ['VISIBLE'],
  [{ start: 0, count: 2, body: 'type = "striped"\nstripe_count = 2\nstripe_size = 128\nstripes = ["pv0", 20, "pv0", 21]' }],
);

function volume(
  name: string,
  status: readonly string[],
  segments: readonly { readonly start: number; readonly count: number; readonly body: string }[],
): string {
  const id = `aaaaaa-bbbb-cccc-dddd-eeee-ffff-${name.padEnd(6, 'x').slice(0, 6)}`;
  const listed = ['READ', 'WRITE', ...status].map((flag) => `"${flag}"`).join(', ');
  const bodies = segments.map(
    ({ start, count, body }, index) => `segment${index + 1} {\nstart_extent = ${start}\nextent_count = ${count}\n${body}\n}`,
  );
  return `${name} {\nid = "${id}"\nstatus = [${listed}]\nflags = []\ncreation_time = 1700000000\ncreation_host = "a host"\nsegment_count = ${segments.length}\n${bodies.join('\n')}\n}`;
}

/** A group made by LVM itself. Without a device mapper it makes no volumes, but restores a description that has them. */
function makeGroup(name: string, volumes: readonly string[]): string {
  const path = makeSparse(folder, name, 160 * MIB);
  const device = run('losetup', ['-f', '--show', path]).trim();
  const config = [
    '--config',
    `devices { use_devicesfile=0 filter=["a|^${device}$|","r|.*|"] } activation { udev_sync=0 udev_rules=0 } backup { backup=0 archive=0 }`,
  ];
  const text = join(folder, `${name}.txt`);
  try {
    run('pvcreate', ['-q', ...config, device]);
    run('vgcreate', ['-q', ...config, name, device]);
    if (volumes.length === 0) return path;
    run('vgcfgbackup', ['-q', ...config, '-f', text, name]);
    writeFileSync(text, readFileSync(text, 'utf8').replace(/\}\s*$/, `logical_volumes {\n${volumes.join('\n')}\n}\n}\n`));
    run('vgcfgrestore', ['-q', ...config, '-f', text, name]);
    expect(
      run('lvs', ['--noheadings', '-o', 'lv_name', ...config, name])
        .trim()
        .split(/\s+/),
    ).toHaveLength(volumes.length);
    return path;
  } finally {
    run('losetup', ['-d', device]);
  }
}

describe.skipIf(cannotMakeGroups())('LVM groups made by LVM', { timeout: TIMEOUT_MS }, () => {
  test('are named with their volumes, and plain volumes are read through', async () => {
    const path = makeGroup('system', [SPLIT, STRIPED]);
    const ext = makeExt(folder, 'inside-lvm', { options: ['-L', 'rootfs'] });
    // The halves of the file system lie where the segments say.
    run('dd', [`if=${ext}`, `of=${path}`, 'bs=1M', 'count=16', `seek=${(DATA_START + 8 * EXTENT) / MIB}`, 'conv=notrunc', 'status=none']);
    run('dd', [`if=${ext}`, `of=${path}`, 'bs=1M', 'count=16', 'skip=16', `seek=${DATA_START / MIB}`, 'conv=notrunc', 'status=none']);
    const look = await lookAt(path);
    const told = run('blkid', ['-p', '-o', 'value', '-s', 'UUID', path]).trim();
    expect(look.volumes).toMatchObject([
      { place: 'disk', content: { kind: 'lvm-pv', uuid: told, details: { group: 'system', volumes: 2 } } },
      { place: 'system/root', size: 8 * EXTENT, content: { kind: 'ext4', label: 'rootfs' } },
      { place: 'system/fast', size: 2 * EXTENT, content: { kind: 'unknown', details: { segments: 'striped' } } },
    ]);
    expect(look.systems).toEqual([{ ...DEBIAN, volume: 'system/root' }]);
    expect(look.findings).toMatchObject([{ severity: 'note', place: 'system/fast' }]);
  });

  test('are found in partitions', async () => {
    const path = makeSparse(folder, 'partitioned', 200 * MIB);
    run('sfdisk', ['-q', path], 'label: gpt\nstart=2048,type=lvm\n');
    placeAt(makeGroup('inner', [SPLIT]), path, MIB);
    expect((await lookAt(path)).volumes.map(({ place, content }) => [place, content.kind])).toEqual([
      ['partition 1', 'lvm-pv'],
      ['inner/root', 'empty'],
    ]);
  });

  test('without volumes are named too', async () => {
    expect(await lookAt(makeGroup('bare', []))).toMatchObject({
      volumes: [{ content: { kind: 'lvm-pv', details: { group: 'bare' } } }],
      findings: [],
    });
  });
});

function cannotMakeGroups(): boolean {
  if (process.getuid?.() !== 0 || missing('losetup', 'pvcreate', 'vgcfgrestore', 'mkfs.ext4', 'blkid', 'sfdisk')) return true;
  try {
    run('losetup', ['-f']);
    return false;
  } catch {
    return true;
  }
}

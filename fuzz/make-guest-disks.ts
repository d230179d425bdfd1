import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import { makeCloudDisk, makeEfiSystem, makeExt, makeSparse, makeXfs, placeAt, run } from '../packages/disk/src/guest/build-guest-disk.ts';
import { windowsHive } from '../packages/disk/src/guest/system/build-hive.ts';

const PASSWORD = 'not a secret';
const LUKS_FAST = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--key-file', '-'];

const made =
  (size: number, program: string, [args, input]: readonly [args: readonly string[], input?: string]) =>
  (folder: string, name: string): string => {
    const path = makeSparse(folder, name, size);
    run(program, [...args, path], input);
    return path;
  };

/** Disks of every kind, each made by its own program. */
export const guestDisks: Readonly<Record<string, (folder: string, name: string) => string>> = {
  ext4: (folder, name) => makeExt(folder, name, { options: [], others: 200 }),
  ext2: (folder, name) => makeExt(folder, name, { options: ['-O', '^extents,^64bit,^has_journal'], others: 200 }),
  'ext4-inline': (folder, name) => makeExt(folder, name, { options: ['-O', 'inline_data', '-I', '256'] }),
  xfs: (folder, name) => makeXfs(folder, name, { options: [], others: 200 }),
  'xfs-4': (folder, name) => makeXfs(folder, name, { options: ['-m', 'crc=0'] }),
  fat12: (folder, name) => makeEfiSystem(folder, name, 12),
  fat16: (folder, name) => makeEfiSystem(folder, name, 16),
  fat32: (folder, name) => makeEfiSystem(folder, name, 32),
  ntfs: made(16 * MIB, 'mkntfs', [['-q', '-F', '-L', 'label']]),
  windows: makeWindows,
  exfat: made(16 * MIB, 'mkfs.exfat', [['-L', 'label']]),
  btrfs: made(128 * MIB, 'mkfs.btrfs', [['-q', '-L', 'label']]),
  swap: made(16 * MIB, 'mkswap', [['-L', 'label']]),
  luks2: made(20 * MIB, 'cryptsetup', [['luksFormat', '-q', '--type', 'luks2', ...LUKS_FAST], PASSWORD]),
  luks1: made(20 * MIB, 'cryptsetup', [['luksFormat', '-q', '--type', 'luks1', ...LUKS_FAST], PASSWORD]),
  mbr: made(64 * MIB, 'sfdisk', [['-q'], `label: dos\nsize=1M,bootable\ntype=5\n${'size=1M\n'.repeat(2)}`]),
  'gpt-4096': makeWideTable,
  iso9660: makeDisc,
  cloud: makeCloudDisk,
  lvm: makeVolumeGroup,
};

/** A table with sectors of 4096 bytes. */
function makeWideTable(folder: string, name: string): string {
  const path = makeSparse(folder, name, 64 * MIB);
  const device = run('losetup', ['-f', '--show', '-b', '4096', path]).trim();
  try {
    run('sfdisk', ['-q', device], 'label: gpt\nsize=4M,type=U\nsize=8M,name="a name"\n');
  } finally {
    run('losetup', ['-d', device]);
  }
  return path;
}

function makeDisc(folder: string, name: string): string {
  const files = join(folder, `${name}-files`);
  mkdirSync(files);
  writeFileSync(join(files, 'README'), 'some content');
  run('xorriso', ['-as', 'mkisofs', '-quiet', '-V', 'LABEL', '-o', join(folder, name), files]);
  return join(folder, name);
}

/** Enough names for an index of several blocks, and a registry. */
function makeWindows(folder: string, name: string): string {
  const path = made(64 * MIB, 'mkntfs', [['-q', '-F']])(folder, name);
  const place = join(folder, `${name}-mount`);
  mkdirSync(place);
  run('ntfs-3g', [path, place]);
  try {
    const system = join(place, 'Windows/System32');
    mkdirSync(join(system, 'config'), { recursive: true });
    for (let index = 0; index < 60; index += 1) writeFileSync(join(system, `a-library-of-something-${index}.dll`), '');
    writeFileSync(join(system, 'config/SOFTWARE'), windowsHive({ ProductName: 'Windows Server 2022', CurrentBuild: '20348' }));
  } finally {
    run('umount', [place]);
  }
  return path;
}

/** A group whose one volume is an ext4, in two segments. Without a device mapper LVM makes no volumes, but restores a description that has them. */
function makeVolumeGroup(folder: string, name: string): string {
  const path = makeSparse(folder, name, 80 * MIB);
  const device = run('losetup', ['-f', '--show', path]).trim();
  const devices = `devices { use_devicesfile=0 filter=["a|^${device}$|","r|.*|"] }`;
  const config = ['-q', '--config', `${devices} activation { udev_sync=0 udev_rules=0 } backup { backup=0 archive=0 }`];
  const text = join(folder, `${name}.txt`);
  try {
    run('pvcreate', [...config, device]);
    run('vgcreate', [...config, name, device]);
    run('vgcfgbackup', [...config, '-f', text, name]);
    writeFileSync(text, readFileSync(text, 'utf8').replace(/\}\s*$/, `logical_volumes {\n${LOGICAL_VOLUME}\n}\n}\n`));
    run('vgcfgrestore', [...config, '-f', text, name]);
  } finally {
    run('losetup', ['-d', device]);
  }
  placeAt(makeExt(folder, `${name}-root`, { options: [] }), path, MIB);
  return path;
}

const LOGICAL_VOLUME = `root {
id = "aaaaaa-bbbb-cccc-dddd-eeee-ffff-rootxx"
status = ["READ", "WRITE", "VISIBLE"]
flags = []
creation_time = 1700000000
creation_host = "a host"
segment_count = 2
segment1 {
start_extent = 0
extent_count = 4
type = "striped"
stripe_count = 1
stripes = ["pv0", 0]
}
segment2 {
start_extent = 4
extent_count = 4
type = "striped"
stripe_count = 1
stripes = ["pv0", 4]
}
}`;

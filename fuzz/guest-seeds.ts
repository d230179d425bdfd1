import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { lookAtDisk, makeCloudDisk, makeEfiSystem, makeExt, makeSparse, makeXfs, run } from '../packages/disk/src/guest/build-guest-disk.ts';
import { openImage } from '../packages/disk/src/format/open-image.ts';
import { PatchedDisk } from '../packages/disk/src/guest/hostile-disk.ts';
import type { ReadableDisk } from '../packages/disk/src/guest/disk-view.ts';

/** A disk as a real program made it, and the places of it that a look reads and that are not zeros: damage there gets deepest. */
export interface GuestSeed extends Disposable {
  readonly name: string;
  readonly disk: ReadableDisk;
  readonly places: readonly number[];
}

interface Maker {
  readonly name: string;
  readonly needs: readonly string[];
  readonly make: (folder: string, name: string) => string;
}

const PASSWORD = 'not a secret';
const LUKS = ['luksFormat', '-q', '--type', 'luks2', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--key-file', '-'];

const made =
  (size: number, program: string, [args, input]: readonly [args: readonly string[], input?: string]): Maker['make'] =>
  (folder, name) => {
    const path = makeSparse(folder, name, size);
    run(program, [...args, path], input);
    return path;
  };

const MAKERS: readonly Maker[] = [
  { name: 'ext4', needs: ['mkfs.ext4'], make: (folder, name) => makeExt(folder, name, { options: [], others: 200 }) },
  {
    name: 'ext2',
    needs: ['mkfs.ext4'],
    make: (folder, name) => makeExt(folder, name, { options: ['-O', '^extents,^64bit,^has_journal'], others: 200 }),
  },
  { name: 'ext4-inline', needs: ['mkfs.ext4'], make: (folder, name) => makeExt(folder, name, { options: ['-O', 'inline_data', '-I', '256'] }) },
  { name: 'xfs', needs: ['mkfs.xfs'], make: (folder, name) => makeXfs(folder, name, { options: [], others: 200 }) },
  { name: 'xfs-4', needs: ['mkfs.xfs'], make: (folder, name) => makeXfs(folder, name, { options: ['-m', 'crc=0'] }) },
  { name: 'fat16', needs: ['mkfs.vfat', 'mmd', 'mcopy'], make: (folder, name) => makeEfiSystem(folder, name, 16) },
  { name: 'ntfs', needs: ['mkntfs'], make: made(16 * MIB, 'mkntfs', [['-q', '-F', '-L', 'label']]) },
  { name: 'exfat', needs: ['mkfs.exfat'], make: made(16 * MIB, 'mkfs.exfat', [['-L', 'label']]) },
  { name: 'btrfs', needs: ['mkfs.btrfs'], make: made(128 * MIB, 'mkfs.btrfs', [['-q', '-L', 'label']]) },
  { name: 'luks', needs: ['cryptsetup'], make: made(20 * MIB, 'cryptsetup', [LUKS, PASSWORD]) },
  { name: 'mbr', needs: ['sfdisk'], make: made(64 * MIB, 'sfdisk', [['-q'], `label: dos\nsize=1M,bootable\ntype=5\n${'size=1M\n'.repeat(5)}`]) },
  { name: 'cloud', needs: ['sfdisk', 'mkfs.vfat', 'mmd', 'mcopy', 'mkfs.ext4'], make: makeCloudDisk },
];

/** Disks of every kind whose programs are here. */
export async function makeGuestSeeds(folder: string): Promise<readonly GuestSeed[]> {
  const seeds: GuestSeed[] = [];
  for (const { name, needs, make } of MAKERS) if (!missing(...needs)) seeds.push(await openSeed(name, make(folder, name)));
  return seeds;
}

async function openSeed(name: string, path: string): Promise<GuestSeed> {
  const disk = openImage({ path, format: 'raw', references: 'refuse' });
  const watched = new PatchedDisk(disk, []);
  await lookAtDisk(watched);
  const places = watched.asked.flatMap(({ offset, length }) => {
    const bytes = new Uint8Array(length);
    disk.read(offset, bytes);
    return [...bytes.keys()].flatMap((at) => (bytes[at] === 0 ? [] : [offset + at]));
  });
  return { name, disk, places, [Symbol.dispose]: () => disk[Symbol.dispose]() };
}

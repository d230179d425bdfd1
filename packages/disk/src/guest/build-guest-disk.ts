// Disks as real programs make them, for tests and fuzzing.
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIB, type GuestLook, type ImageFormat } from '@hypersdk/domain';
import { openImage } from '../format/open-image.ts';
import type { ReadableDisk } from './disk-view.ts';
import { lookAtGuest } from './look-at-guest.ts';

/** Runs a program to its end and answers what it printed. Fails with what it said. */
export const run = (program: string, args: readonly string[], input = ''): string =>
  execFileSync(program, args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000, env: { ...process.env, ...ENVIRONMENT } });

const ENVIRONMENT = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LVM_SUPPRESS_FD_WARNINGS: '1', MTOOLS_SKIP_CHECK: '1' };

/** A file of zeros, all of it a hole. */
export function makeSparse(folder: string, name: string, size: number): string {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  ftruncateSync(file, size);
  closeSync(file);
  return path;
}

/** Longer than any look takes on a machine that does much else. */
const LOOK_MS = 60_000;

export async function lookAt(path: string, format: ImageFormat = 'raw'): Promise<GuestLook> {
  using image = openImage({ path, format, references: 'refuse' });
  return await lookAtDisk(image);
}

export const lookAtDisk = (disk: ReadableDisk): Promise<GuestLook> => lookAtGuest(disk, { signal: new AbortController().signal, timeMs: LOOK_MS });

const OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n';
export const DEBIAN = { family: 'linux', name: 'Debian GNU/Linux 12 (bookworm)', id: 'debian', version: '12' } as const;

/** A folder with the files by which a Linux is known, among `others` that are in the way. Its os-release is a link, as distributions have it. */
function makeLinuxTree(folder: string, others: number): string {
  const root = join(folder, `root-${others}`);
  if (existsSync(root)) return root;
  mkdirSync(join(root, 'etc'), { recursive: true });
  mkdirSync(join(root, 'usr/lib'), { recursive: true });
  for (let index = 0; index < others; index += 1) writeFileSync(join(root, 'etc', `configuration-of-something-${index}`), '');
  writeFileSync(join(root, 'usr/lib/os-release'), OS_RELEASE);
  symlinkSync('../usr/lib/os-release', join(root, 'etc/os-release'));
  return root;
}

/** The same for mkfs.xfs, which takes a list. */
function makeXfsPrototype(folder: string, others: number): string {
  const tree = makeLinuxTree(folder, 0);
  const names = Array.from({ length: others }, (_, index) => `configuration-of-something-${index} l--777 0 0 nowhere`);
  const path = join(folder, `prototype-${others}`);
  const lines = [
    '/dev/null',
    '0 0',
    'd--755 0 0',
    'etc d--755 0 0',
    ...names,
    'os-release l--777 0 0 ../usr/lib/os-release',
    '$',
    'usr d--755 0 0',
    'lib d--755 0 0',
    `os-release ---644 0 0 ${join(tree, 'usr/lib/os-release')}`,
    '$',
    '$',
    '$',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

export function makeExt(
  folder: string,
  name: string,
  o: { readonly options: readonly string[]; readonly others?: number; readonly size?: number },
): string {
  const path = makeSparse(folder, name, o.size ?? 32 * MIB);
  run('mkfs.ext4', ['-q', '-d', makeLinuxTree(folder, o.others ?? 0), ...o.options, path]);
  return path;
}

/** mkfs.xfs makes nothing smaller than this. */
const XFS_SIZE = 300 * MIB;

export function makeXfs(folder: string, name: string, o: { readonly options: readonly string[]; readonly others?: number }): string {
  const path = makeSparse(folder, name, XFS_SIZE);
  run('mkfs.xfs', ['-q', '-p', makeXfsPrototype(folder, o.others ?? 0), ...o.options, path]);
  return path;
}

/** An EFI system partition with two loaders, one under a long name. */
export function makeEfiSystem(folder: string, name: string, fat: 12 | 16 | 32 = 32): string {
  const path = makeSparse(folder, name, fat === 12 ? 4 * MIB : 40 * MIB);
  const loader = join(folder, 'loader');
  writeFileSync(loader, 'MZ');
  run('mkfs.vfat', ['-F', String(fat), '-n', 'ESP', path]);
  run('mmd', ['-i', path, '::/EFI', '::/EFI/BOOT', '::/EFI/debian']);
  run('mcopy', ['-i', path, loader, '::/EFI/BOOT/BOOTX64.EFI']);
  run('mcopy', ['-i', path, loader, '::/EFI/debian/a-shim-of-many-letters.efi']);
  return path;
}

/** Copies `from` into `into` at a byte that is a whole number of MiB, leaving holes where there are zeros. */
export const placeAt = (from: string, into: string, offset: number): string =>
  run('dd', [`if=${from}`, `of=${into}`, 'bs=1M', `seek=${offset / MIB}`, 'conv=notrunc,sparse', 'status=none']);

/** A disk like that of a cloud image: EFI system partition, partition for GRUB, root. */
export function makeCloudDisk(folder: string, name: string): string {
  const path = makeSparse(folder, name, 100 * MIB);
  const script = ['label: gpt', '2048,81920,U', '83968,2048,21686148-6449-6E6F-744E-656564454649', 'start=86016,size=81920,type=L,name="my root"'];
  run('sfdisk', ['-q', path], script.join('\n'));
  placeAt(makeEfiSystem(folder, `${name}-esp`), path, MIB);
  placeAt(makeExt(folder, `${name}-root`, { options: ['-L', 'rootfs'] }), path, 42 * MIB);
  return path;
}

export const copyOf = (path: string, name: string): string => {
  const copy = `${path}-${name}`;
  run('cp', ['--sparse=always', path, copy]);
  return copy;
};

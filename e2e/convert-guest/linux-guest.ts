import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MIB } from '@hypersdk/domain';
import { initramfsScript, initScript, mkconfigScript, packageQuery } from './linux-scripts.ts';

const run = promisify(execFile);

const DISK_SIZE = 96 * MIB;
const PARTITION_AT = MIB;
const SECTOR = 512;
const BUSYBOX = '/bin/busybox';
const GRUB = '/usr/lib/grub/i386-pc';
/** Of the root file system, by which fstab and the loader name it. */
const UUID = '6c1f1f8a-2f4e-4a53-9d2b-0f6f6f3a7c11';

/** Drivers for the disks of the machine that the guest comes from, and of the one that it goes to. */
const MODULES = ['ata_piix', 'sd_mod', 'virtio_pci', 'virtio_blk', 'virtio_scsi', 'virtio_net'] as const;

/** A kernel of this machine that may be read and has its modules. */
function findKernel(): string | undefined {
  return readdirSync('/boot')
    .flatMap((file) => (file.startsWith('vmlinuz-') ? [file.slice('vmlinuz-'.length)] : []))
    .toSorted()
    .findLast((version) => existsSync(`/lib/modules/${version}/modules.dep`));
}

/** Whether the parts of an installed system lie here: kernel with modules, static busybox, GRUB for a BIOS. */
export const hasSystemParts = (): boolean => findKernel() !== undefined && [BUSYBOX, `${GRUB}/boot.img`].every((path) => existsSync(path));

/**
 * A raw disk with an installed Linux in small: GRUB, a kernel from a package, a package database, an initial RAM disk that its own tool makes. As systems are that
 * were installed on another hypervisor, its RAM disk has the drivers of that machine alone: it starts from IDE and does not find its root on virtio.
 */
export async function buildLinuxGuest(path: string): Promise<void> {
  const kernel = findKernel() ?? '';
  const work = `${path}.parts`;
  const root = join(work, 'root');
  await mkdir(root, { recursive: true });
  const files = await installKernel(root, kernel);
  await installTools(root);
  await configure(root, kernel, files);
  await run(BUSYBOX, ['sh', join(root, 'usr/sbin/update-initramfs'), '-u', '-k', kernel], { env: { ROOT: root } });
  await writeDisk(path, work);
  await rm(work, { recursive: true });
}

/** Files of the kernel's package: the kernel, its configuration, the modules. Answers their names. */
async function installKernel(root: string, version: string): Promise<readonly string[]> {
  const folder = `/lib/modules/${version}`;
  const needs = new Map<string, readonly string[]>();
  for (const line of (await readFile(`${folder}/modules.dep`, 'utf8')).split('\n')) {
    const [file = '', more = ''] = line.split(':');
    needs.set(
      file,
      more.split(' ').filter((one) => one !== ''),
    );
  }
  const modules = [...needs].flatMap(([file, more]) => (MODULES.some((name) => basename(file) === `${name}.ko`) ? [file, ...more] : []));
  const files = [
    `/boot/vmlinuz-${version}`,
    `/boot/config-${version}`,
    ...['modules.builtin', 'modules.order'].map((name) => `${folder}/${name}`),
    ...[...new Set(modules)].map((file) => `${folder}/${file}`),
  ];
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await cp(file, join(root, file));
  }
  await run('depmod', ['-b', root, version]);
  return files;
}

async function installTools(root: string): Promise<void> {
  for (const folder of ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'dev', 'proc', 'sys', 'run', 'tmp', 'root', 'var/lib/dpkg/info', 'boot/grub', 'lib64'])
    await mkdir(join(root, folder), { recursive: true });
  await copyFile(BUSYBOX, join(root, 'bin/busybox'));
  for (const name of (await run(BUSYBOX, ['--list'])).stdout.trim().split('\n')) {
    if (name !== 'busybox' && !name.startsWith('dpkg')) await symlink('busybox', join(root, 'bin', name));
  }
  const scripts = {
    'sbin/init': initScript,
    'usr/bin/dpkg': packageQuery,
    'usr/sbin/update-initramfs': initramfsScript,
    'usr/sbin/grub-mkconfig': mkconfigScript,
  };
  for (const [name, text] of Object.entries(scripts)) {
    await rm(join(root, name), { force: true });
    await writeFile(join(root, name), text);
    await chmod(join(root, name), 0o755);
  }
}

async function configure(root: string, kernel: string, files: readonly string[]): Promise<void> {
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  };
  const name = `linux-image-${kernel}`;
  await write('etc/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n');
  await write('etc/debian_version', '12.0\n');
  await write('etc/hostname', 'tiny-guest\n');
  await write('etc/fstab', `UUID=${UUID} / ext4 errors=remount-ro 0 1\n`);
  await write('etc/modprobe.d/blacklist.conf', '# none\n');
  await write('etc/initramfs-tools/modules', '# List of modules that you want to include in your initramfs.\n');
  await write('etc/default/grub', 'GRUB_DEFAULT=0\nGRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="console=ttyS0"\n');
  await write('etc/root-uuid', `${UUID}\n`);
  await write('var/lib/dpkg/status', `${packageOf(name, '6.1.0-1')}\n${packageOf('grub-pc', '2.06-13')}\n${packageOf('initramfs-tools', '0.142')}\n`);
  await write(`var/lib/dpkg/info/${name}.list`, `${['/boot', '/lib/modules', `/lib/modules/${kernel}`, ...files].join('\n')}\n`);
  await run(BUSYBOX, ['sh', join(root, 'usr/sbin/grub-mkconfig'), '-o', '/boot/grub/grub.cfg'], { env: { ROOT: root } });
}

const packageOf = (name: string, version: string): string =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\nMaintainer: nobody\nDescription: part of a small system\n`;

/** GRUB in the gap behind the master boot record, and one ext4 partition. */
async function writeDisk(path: string, work: string): Promise<void> {
  const core = join(work, 'core.img');
  const modules = ['biosdisk', 'part_msdos', 'ext2', 'normal', 'linux', 'search', 'search_fs_uuid', 'configfile', 'serial', 'echo'];
  await run('grub-mkimage', ['-O', 'i386-pc', '-o', core, '-p', '(hd0,msdos1)/boot/grub', ...modules]);
  const sector = Buffer.alloc(SECTOR);
  (await readFile(`${GRUB}/boot.img`)).copy(sector, 0, 0, 440);
  sector.set([0x80, 0xfe, 0xff, 0xff, 0x83, 0xfe, 0xff, 0xff], 446);
  sector.writeUInt32LE(PARTITION_AT / SECTOR, 454);
  sector.writeUInt32LE((DISK_SIZE - PARTITION_AT) / SECTOR, 458);
  sector.set([0x55, 0xaa], 510);
  {
    await using file = await open(path, 'w');
    await file.truncate(DISK_SIZE);
    await file.write(sector, 0, SECTOR, 0);
    const loader = await readFile(core);
    await file.write(loader, 0, loader.length, SECTOR);
  }
  const size = `${(DISK_SIZE - PARTITION_AT) / 1024}k`;
  const options = ['-F', '-q', '-t', 'ext4', '-U', UUID, '-d', join(work, 'root'), '-E', `offset=${PARTITION_AT},root_owner=0:0`];
  await run('mkfs.ext4', [...options, path, size]);
}

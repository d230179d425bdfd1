import { execFile } from 'node:child_process';
import { constants, existsSync, readdirSync } from 'node:fs';
import { access, copyFile, mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { MIB } from '@hypersdk/domain';

const run = promisify(execFile);

const DISK_SIZE = 48 * MIB;
const PARTITION_AT = MIB;
const BUSYBOX = '/bin/busybox';
const MBR_CODE = '/usr/lib/syslinux/mbr/mbr.bin';
const EFI_LOADER = '/usr/lib/SYSLINUX.EFI/efi64/syslinux.efi';
const EFI_MODULE = '/usr/lib/syslinux/modules/efi64/ldlinux.e64';

/** What a guest says once it is up. */
export const GREETING = 'tiny-guest login:';

/** The newest kernel of this machine that may be read. */
function findKernel(): string | undefined {
  const name = readdirSync('/boot')
    .filter((file) => file.startsWith('vmlinuz-'))
    .toSorted()
    .at(-1);
  return name === undefined ? undefined : `/boot/${name}`;
}

/** Whether the parts of a guest lie here: kernel, static busybox, and the loaders of syslinux for both firmwares. */
export const hasParts = (): boolean =>
  findKernel() !== undefined && [BUSYBOX, MBR_CODE, EFI_LOADER, EFI_MODULE, '/usr/share/OVMF/OVMF_CODE_4M.fd'].every((path) => existsSync(path));

export interface Guest {
  /** `panics`: its kernel finds neither an initial RAM disk nor a root. */
  readonly ending: 'greets' | 'panics';
}

/** A raw disk with one FAT partition that starts Linux under BIOS and under UEFI. Nothing of it needs to be root. */
export async function buildGuestDisk(path: string, { ending }: Guest): Promise<void> {
  const work = `${path}.parts`;
  await mkdir(join(work, 'root', 'dev'), { recursive: true });
  await writeFile(join(work, 'initrd.gz'), await buildInitrd(join(work, 'root')));
  await writeFile(join(work, 'syslinux.cfg'), configOf(ending));
  await writeDisk(path);
  const drive = `${path}@@${PARTITION_AT}`;
  await run('mformat', ['-i', drive, '-F', '-T', String((DISK_SIZE - PARTITION_AT) / 512), '-H', String(PARTITION_AT / 512), '::']);
  await run('mmd', ['-i', drive, '::/EFI', '::/EFI/BOOT']);
  const files = [
    [findKernel() ?? '', '::/vmlinuz'],
    [join(work, 'initrd.gz'), '::/initrd.gz'],
    [join(work, 'syslinux.cfg'), '::/syslinux.cfg'],
    [EFI_LOADER, '::/EFI/BOOT/BOOTX64.EFI'],
    [EFI_MODULE, '::/EFI/BOOT/ldlinux.e64'],
    [join(work, 'syslinux.cfg'), '::/EFI/BOOT/syslinux.cfg'],
  ] as const;
  for (const [from, to] of files) await run('mcopy', ['-i', drive, from, to]);
  await run('syslinux', ['--install', '--offset', String(PARTITION_AT), path]);
}

const configOf = (ending: Guest['ending']): string =>
  [
    'DEFAULT guest',
    'LABEL guest',
    'KERNEL /vmlinuz',
    `APPEND console=tty0 console=ttyS0 quiet rdinit=/init${ending === 'greets' ? ' initrd=/initrd.gz' : ''}`,
    '',
  ].join('\n');

/** Master boot record of syslinux and one active FAT32 partition (type 0Ch), over a disk that is otherwise a hole. */
async function writeDisk(path: string): Promise<void> {
  const sector = Buffer.alloc(512);
  (await readFile(MBR_CODE)).copy(sector, 0, 0, 440);
  sector.set([0x80, 0xfe, 0xff, 0xff, 0x0c, 0xfe, 0xff, 0xff], 446);
  sector.writeUInt32LE(PARTITION_AT / 512, 454);
  sector.writeUInt32LE((DISK_SIZE - PARTITION_AT) / 512, 458);
  sector.set([0x55, 0xaa], 510);
  await using file = await open(path, 'w');
  await file.truncate(DISK_SIZE);
  await file.write(sector, 0, 512, 0);
}

const INIT = `#!/busybox sh
/busybox mount -t devtmpfs dev /dev
for console in /dev/ttyS0 /dev/tty0; do echo; printf '%s ' '${GREETING}' >$console; done
while :; do /busybox sleep 3600; done
`;

async function buildInitrd(root: string): Promise<Buffer> {
  await access(BUSYBOX, constants.R_OK);
  await copyFile(BUSYBOX, join(root, 'busybox'));
  await writeFile(join(root, 'init'), INIT, { mode: 0o755 });
  await symlink('busybox', join(root, 'sh'));
  const packed = promisify(execFile)('cpio', ['--quiet', '-o', '-H', 'newc'], { cwd: root, encoding: 'buffer', maxBuffer: 16 * MIB });
  packed.child.stdin?.end(['.', 'dev', 'busybox', 'init', 'sh'].join('\n'));
  return gzipSync((await packed).stdout);
}

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { diskPath } from './build-guest.ts';
import { giveAway, type Libvirtd } from './build-libvirtd.ts';

const AGENT = '/usr/sbin/qemu-ga';
const BUSYBOX = '/bin/busybox';
/** In the order in which they need each other. */
const MODULES = ['virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'virtio_console'];

/** The newest kernel of this machine, and its modules. */
const kernel = (): string | undefined =>
  existsSync('/boot')
    ? readdirSync('/boot')
        .filter((name) => name.startsWith('vmlinuz-'))
        .toSorted()
        .at(-1)
    : undefined;

export const hasAgentParts = (): boolean => kernel() !== undefined && [AGENT, BUSYBOX].every((path) => existsSync(path));

const INIT = `#!/bin/sh
/bin/busybox --install -s /bin
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
for module in ${MODULES.join(' ')}; do insmod /modules/$module.ko; done
while [ ! -e /dev/vport1p1 ] && [ ! -e /dev/vport0p1 ]; do sleep 1; done
exec qemu-ga -m virtio-serial -p "$(ls /dev/vport*p1)" -t /tmp
`;

/** Defines a Linux in the memory of its host in which nothing runs but the guest agent of QEMU. Answers its UUID. */
export async function defineAgentGuest(daemon: Libvirtd, name: string): Promise<string> {
  const root = join(daemon.folder, `${name}-root`);
  for (const folder of ['bin', 'dev', 'proc', 'sys', 'tmp', 'modules', 'var/run', 'run']) mkdirSync(join(root, folder), { recursive: true });
  const libraries = [...execFileSync('ldd', [AGENT], { encoding: 'utf8' }).matchAll(/(\/\S+) \(/g)].map(([, path = '']) => path);
  for (const path of libraries) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  for (const path of [AGENT, BUSYBOX]) copyFileSync(path, join(root, 'bin', basename(path)));
  execFileSync('ln', ['-s', 'busybox', join(root, 'bin/sh')]);
  const version = kernel()?.replace('vmlinuz-', '') ?? '';
  for (const module of MODULES) {
    const [path = ''] = globSync(`/lib/modules/${version}/kernel/drivers/**/${module}.ko`);
    copyFileSync(path, join(root, 'modules', `${module}.ko`));
  }
  writeFileSync(join(root, 'init'), INIT, { mode: 0o755 });
  const initrd = join(daemon.folder, `${name}-initrd`);
  execFileSync('sh', ['-c', `find . | cpio --quiet -o -H newc | gzip -1 > ${initrd}`], { cwd: root });
  const copied = join(daemon.folder, `${name}-kernel`);
  copyFileSync(`/boot/vmlinuz-${version}`, copied);

  const disk = diskPath(daemon, name, 'vda');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '16M']);
  for (const path of [disk, initrd, copied]) await giveAway(path);
  const xml = join(daemon.folder, `${name}.xml`);
  writeFileSync(
    xml,
    `<domain type='qemu'><name>${name}</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>${copied}</kernel><initrd>${initrd}</initrd><cmdline>quiet rdinit=/init</cmdline></os>
<features><acpi/></features><devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${disk}'/><target dev='vda' bus='virtio'/></disk>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel><memballoon model='none'/></devices></domain>`,
  );
  daemon.virsh('define', xml);
  return daemon.virsh('domuuid', name).trim();
}

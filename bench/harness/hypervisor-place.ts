import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineGuest, diskPath } from '../../packages/providers/src/libvirt/build-guest.ts';
import { giveAway, openLibvirtd } from '../../packages/providers/src/libvirt/build-libvirtd.ts';
import type { ImageName, Images } from '../images/bench-images.ts';
import type { Hypervisor } from './bench-case.ts';

const guest = 'bench';

/** A libvirt daemon with a guest that runs on the image, as qcow2. Daemon and QEMU run for the whole of a case: their CPU is nobody's, and the same for each contestant. */
export async function openHypervisorPlace(images: Images, name: ImageName): Promise<Hypervisor & AsyncDisposable> {
  const daemon = await openLibvirtd();
  await defineGuest(daemon, { name: guest, kind: 'deaf' });
  const disk = diskPath(daemon, guest, 'vda');
  execFileSync('qemu-img', ['convert', '-O', 'qcow2', images.path(name), disk]);
  await giveAway(disk);
  daemon.virsh('start', guest);
  const { scratch, uri } = daemon;
  mkdirSync(join(scratch, 'state'));
  const [socket, backupFile] = [join(scratch, 'backup.sock'), join(scratch, 'backup.xml')];
  const disks = `<disks><disk name='vda' type='file' backup='yes'><scratch file='${join(scratch, 'vda.scratch')}'/></disk></disks>`;
  writeFileSync(backupFile, `<domainbackup mode='pull'><server transport='unix' socket='${socket}'/>${disks}</domainbackup>`);
  return { uri, guest, scratch, backupFile, nbd: `nbd+unix:///vda?socket=${socket}`, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

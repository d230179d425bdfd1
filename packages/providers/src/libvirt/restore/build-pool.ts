import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { giveAway, type Libvirtd } from '../build-libvirtd.ts';

/** A pool that is a folder of the daemon's; answers the folder. */
export async function makePool(daemon: Libvirtd, name: string, folder = join(daemon.folder, `pool-${name}`)): Promise<string> {
  await mkdir(folder, { recursive: true });
  await giveAway(folder);
  daemon.virsh('pool-define-as', name, 'dir', '--target', folder);
  daemon.virsh('pool-start', name);
  return folder;
}

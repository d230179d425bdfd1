import { existsSync } from 'node:fs';
import { KVM_DEVICE, type Surroundings } from './surroundings.ts';

/** A command line up to the program's own name, and its whole environment. */
export interface Enclosure {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What people keep for themselves, and sockets of other programs. The rest of the system is seen as it is: the appliance is made of its packages. */
const HIDDEN = ['/tmp', '/run', '/home', '/root'].filter((folder) => existsSync(folder));

/**
 * For bubblewrap: no network, no other process, nothing of the file system writable but the work folder and the appliance's, and an end of all with its own end.
 * libguestfs' guest, which opens the file systems of the disks, is a process in there like all others.
 */
export const enclose = ({ work, images, appliance, accelerator }: Surroundings): Enclosure => ({
  args: [
    ['--die-with-parent', '--new-session', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts'],
    ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'],
    HIDDEN.flatMap((folder) => ['--tmpfs', folder]),
    accelerator === 'kvm' ? ['--dev-bind', KVM_DEVICE, KVM_DEVICE] : [],
    images.flatMap((path) => ['--ro-bind', path, path]),
    ['--bind', appliance, appliance, '--bind', work, work],
    ['--chdir', work, '--'],
  ].flat(),
  env: environmentOf({ work, appliance, accelerator }),
});

/** The system's own programs only, no configuration of anybody's, and libguestfs without libvirt, which would start its guest outside of all this. */
export const environmentOf = ({ work, appliance, accelerator }: Omit<Surroundings, 'images'>): Enclosure['env'] => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: work,
  TMPDIR: work,
  VIRT_V2V_TMPDIR: work,
  LIBGUESTFS_CACHEDIR: appliance.slice(0, appliance.lastIndexOf('/')),
  LIBGUESTFS_BACKEND: 'direct',
  // Where hardware virtualisation is there and does not work, libguestfs would wait for its guest for ever.
  ...(accelerator === 'tcg' ? { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' } : {}),
});

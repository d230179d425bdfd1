import { basename, dirname, join } from 'node:path';
import { confine, type ConfinementRules } from '@hypersdk/disk';
import { GIB } from '@hypersdk/domain';
import type { BootDisk } from '@hypersdk/ports';
import type { Tools } from './find-tools.ts';

export interface Enclosure {
  /** The only folder that can be written. */
  readonly scratch: string;
  readonly disks: readonly BootDisk[];
  /** Bytes of the guest's memory. */
  readonly memory: number;
  readonly devices: readonly string[];
}

/** A command line up to the emulator's own name, and how the emulator sees files. */
export interface Sandbox {
  readonly command: string;
  readonly args: readonly string[];
  readonly scratch: string;
  readonly images: readonly string[];
}

/** Libraries, translated code and thread stacks beside the guest's memory, as address space. */
const OVERHEAD_BYTES = 4 * GIB;
/** What the guest may write, all disks together being rarely more; beyond it the emulator is ended by the system. */
const OVERLAY_MAX = 4 * GIB;
/** No boot takes this long. An emulator that nobody ends any more ends here. */
const CPU_SECONDS_MAX = 2 * 3600;
/** An image, its extents, its overlay, sockets, event descriptors. */
const FILES_MAX = 256;
/** Nobody, on every Linux that has names for users. */
const NOBODY = '65534';

/**
 * With bubblewrap: no network, no environment, no other process, of the file system only programs and libraries, the images for reading, and one folder for writing;
 * bounded memory, time and files. With Landlock the same, but that other files and processes are seen to be there and cannot be touched.
 * The emulator adds its own system call filter.
 */
export function enclose(tools: Tools, enclosure: Enclosure): Sandbox {
  const limits = [
    `--as=${enclosure.memory + OVERHEAD_BYTES}`,
    `--fsize=${OVERLAY_MAX}`,
    `--cpu=${CPU_SECONDS_MAX}`,
    `--nofile=${FILES_MAX}`,
    '--core=0',
  ];
  // The kernel kills what follows when this process ends, in whatever way.
  const beginning = ['--pdeathsig', 'KILL', '--'];
  const limited = [tools.prlimit, ...limits, '--'];
  const outer = [...beginning, ...limited];
  const { walls } = tools;
  if (walls === undefined || walls === 'landlock') {
    const inner = walls === undefined ? outer : [...beginning, ...confine(toRules(enclosure)), ...limited];
    return { command: tools.setpriv, args: inner, scratch: enclosure.scratch, images: enclosure.disks.map(({ path }) => path) };
  }
  const images = enclosure.disks.map(({ path }, at) => `/images/${at}/${basename(path)}`);
  return { command: tools.setpriv, args: [...outer, walls.bubblewrap, ...toWalls(enclosure), '--'], scratch: SCRATCH, images };
}

const SCRATCH = '/scratch';

/** Programs, libraries and firmware; QEMU needs nothing else of the system. */
const PROGRAMS = ['/usr', '/lib', '/lib64', '/etc/alternatives', '/etc/ld.so.cache'] as const;

const toRules = ({ scratch, disks, devices }: Enclosure): ConfinementRules => ({
  run: PROGRAMS,
  read: ['/dev/urandom', ...disks.flatMap(({ path, beside }) => [path, ...beside.map((name) => join(dirname(path), name))])],
  write: [scratch, '/dev/null', ...devices],
});

const toWalls = ({ scratch, disks, devices }: Enclosure): readonly string[] =>
  [
    ['--die-with-parent', '--new-session', '--unshare-all', '--unshare-user', '--uid', NOBODY, '--gid', NOBODY, '--cap-drop', 'ALL'],
    ['--clearenv', '--setenv', 'TMPDIR', SCRATCH],
    ['--ro-bind', '/usr', '/usr', '--ro-bind-try', '/lib', '/lib', '--ro-bind-try', '/lib64', '/lib64'],
    ['--ro-bind-try', '/etc/alternatives', '/etc/alternatives', '--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    ['--proc', '/proc', '--dev', '/dev'],
    devices.flatMap((device) => ['--dev-bind', device, device]),
    ['--bind', scratch, SCRATCH],
    disks.flatMap(({ path, beside }, at) =>
      [...new Set([basename(path), ...beside])].flatMap((name) => ['--ro-bind', join(dirname(path), name), `/images/${at}/${name}`]),
    ),
    // The root and the devices lie in memory, which nobody would bound.
    ['--remount-ro', '/', '--remount-ro', '/dev', '--chdir', SCRATCH],
  ].flat();

import { statfs } from 'node:fs/promises';
import { formatBytes, HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { runOverSsh } from '../run-over-ssh.ts';
import { quoteWord } from '../ssh-options.ts';
import type { BackupServer } from './backup-lease.ts';
import { measurePool } from './scratch-pool.ts';

/** The file system of the scratch folder, in bytes. */
export interface Room {
  readonly size: number;
  readonly free: number;
}

/** Undefined where it cannot be known, such as through an ssh that runs nothing but libvirt's helper, or over the network to a folder that is no pool. */
export async function measureRoom({ caller, transport }: BackupServer, folder: string, o: Cancel): Promise<Room | undefined> {
  try {
    switch (transport.kind) {
      case 'unix': {
        const { blocks, bavail, bsize } = await statfs(folder);
        return { size: blocks * bsize, free: bavail * bsize };
      }
      case 'ssh':
        return readRoom(await runOverSsh(transport, `df -Pk -- ${quoteWord(folder)}`, o));
      case 'tls':
      case 'tcp':
        return await measurePool(caller, folder, o);
    }
  } catch {
    // A folder that is not there is told by QEMU, which knows best what it may use.
    o.signal.throwIfAborted();
    return undefined;
  }
}

/** POSIX, df: the second line tells size, used and available in kibibytes behind the name of the file system. */
export function readRoom(text: string): Room | undefined {
  const { size, free } = /\n.*?\s(?<size>\d{1,13})\s+\d+\s+(?<free>\d{1,13})\s+\d+%\s/.exec(text)?.groups ?? {};
  return size === undefined || free === undefined ? undefined : { size: Number(size) * 1024, free: Number(free) * 1024 };
}

/** A host whose disk is full stops its guests: as much is left to it. */
const RESERVE_MAX = 1024 ** 3;
/** What guests write between two looks has to fit, also where all is small. */
const RESERVE_MIN = 64 * 1024 ** 2;
const RESERVE_SHARE = 0.05;

export const reserveOf = ({ size }: Room): number => Math.min(RESERVE_MAX, Math.max(RESERVE_MIN, Math.floor(size * RESERVE_SHARE)));

/** Asked before the backup begins: `worst` is what it takes when guests overwrite all of their disks meanwhile. */
export function requireRoom(room: Room, { folder, worst }: { readonly folder: string; readonly worst: number }): void {
  if (room.free > reserveOf(room)) return;
  throw scratchFull(
    folder,
    `only ${formatBytes(room.free)} are free, of which ${formatBytes(reserveOf(room))} are left to the host, and guests may overwrite up to ${formatBytes(worst)} meanwhile`,
  );
}

export const scratchFull = (folder: string, why: string): HyperError =>
  new HyperError('source/scratch-full', `There is not enough room in the scratch folder ${folder}: ${why}.`, { detail: { folder } });

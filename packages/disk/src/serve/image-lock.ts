import { HyperError } from '@hypersdk/domain';
import { nativeFs } from '../native/load.ts';

// QEMU's locks on image files: a byte for each permission that somebody uses, and one for each that somebody does not want others to use.
const USED = 100;
const UNSHARED = 200;
const Permission = { consistentRead: 0, write: 1, resize: 3 } as const;

const USES = [Permission.consistentRead, Permission.write] as const;
const DENIES = [Permission.write, Permission.resize] as const;

/**
 * Locks an image as its writer against other writers, and against those who count on its content: programs of QEMU that have it open, and servers of ours.
 * Held as long as the descriptor is open, however its process ends. Where the system has no such locks, nothing is locked.
 */
export function lockForWriting(fd: number, path: string): void {
  const { shareByte, isByteHeld } = nativeFs();
  if (!shareByte || !isByteHeld) return;
  // Locks of one open file do not stand in their own way. First taken, then looked: of two that come at once, one at least sees the other.
  for (const permission of USES) shareByte(fd, USED + permission);
  for (const permission of DENIES) shareByte(fd, UNSHARED + permission);
  const isDenied = USES.some((permission) => isByteHeld(fd, UNSHARED + permission));
  const isUsed = DENIES.some((permission) => isByteHeld(fd, USED + permission));
  if (isDenied || isUsed) throw new HyperError('target/busy', `${path} is in use: another program writes to it or reads it.`, { detail: { path } });
}

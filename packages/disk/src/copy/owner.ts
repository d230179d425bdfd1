import { readFileSync, readlinkSync } from 'node:fs';

/** Where a transfer runs: enough to tell later whether it can still be alive. */
export interface Owner {
  readonly bootId: string;
  readonly networkNamespace: string;
  readonly pid: number;
}

export const currentOwner = (): Owner => ({
  bootId: read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
  networkNamespace: read(() => readlinkSync('/proc/self/ns/net')),
  pid: process.pid,
});

/**
 * Whether the holder of the lock may believe that `owner` is dead: it ran under the same kernel and in the same network namespace, where locks
 * are seen by all, and the lock was free. A transfer of another machine, boot or container may still be writing.
 */
export function isProvablyDead(owner: Owner, self: Owner = currentOwner()): boolean {
  return owner.bootId !== '' && owner.bootId === self.bootId && owner.networkNamespace !== '' && owner.networkNamespace === self.networkNamespace;
}

function read(source: () => string): string {
  try {
    return source();
  } catch {
    return '';
  }
}

import { rm } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { LibvirtTransport } from '../libvirt-uri.ts';
import { runOf } from './effect-names.ts';

/**
 * Removes a file or socket of ours that QEMU or libvirt would have removed had they not been killed. False when it was not there. On another machine
 * there is no way to it: QEMU makes it anew there, and nobody trips over it.
 */
export async function removeScratch(transport: LibvirtTransport, path: string): Promise<boolean> {
  if (runOf(path) === undefined || transport.kind !== 'unix') return false;
  try {
    await rm(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw new HyperError('source/forbidden', `The scratch file ${path} cannot be removed.`, { cause: error });
  }
}

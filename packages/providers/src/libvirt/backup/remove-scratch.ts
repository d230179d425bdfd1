import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { LibvirtTransport } from '../libvirt-uri.ts';
import type { BackupServer } from './backup-lease.ts';
import { removeThroughPool } from './scratch-pool.ts';
import { runOverSsh } from '../run-over-ssh.ts';
import { quoteWord } from '../ssh-options.ts';
import { runOf } from './effect-names.ts';

/** Removes a file or socket of ours that QEMU or libvirt would have removed had they not been killed. False when it was not there. */
export async function removeScratch({ caller, transport }: BackupServer, path: string, o: Cancel): Promise<boolean> {
  if (runOf(path) === undefined) return false;
  switch (transport.kind) {
    case 'unix':
      return await removeHere(path);
    case 'ssh':
      return await removeThere(path, (script) => runOverSsh(transport, script, o));
    case 'tls':
    case 'tcp':
      return await removeThroughPool(caller, path, o);
  }
}

/** Whether what a backup made is there still. Over the network nobody can tell of a socket, and none is made. */
export async function isScratchThere(transport: LibvirtTransport, path: string, o: Cancel): Promise<boolean> {
  switch (transport.kind) {
    case 'unix':
      return existsSync(path);
    case 'ssh':
      return (await runOverSsh(transport, `if [ -e ${quoteWord(path)} ]; then echo there; fi`, o)).includes('there');
    case 'tls':
    case 'tcp':
      return false;
  }
}

async function removeHere(path: string): Promise<boolean> {
  try {
    await rm(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw forbidden(path, error);
  }
}

async function removeThere(path: string, run: (script: string) => Promise<string>): Promise<boolean> {
  const word = quoteWord(path);
  try {
    return (await run(`if [ -e ${word} ]; then rm -f -- ${word} && echo removed; fi`)).includes('removed');
  } catch (error) {
    throw forbidden(path, error);
  }
}

const forbidden = (path: string, cause: unknown): HyperError =>
  new HyperError('source/forbidden', `The scratch file ${path} cannot be removed.`, { cause });

import { HyperError } from '@hypersdk/domain';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { malformed, misbehaves, toPrintable } from '../rpc/refusals.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import type { BackupServer } from './backup-lease.ts';
import { findBackup } from './backup-job.ts';
import { runOf } from './effect-names.ts';
import { isScratchThere } from './remove-scratch.ts';
import { undoing } from './run-effects.ts';

/**
 * A libvirtd that is killed while it ends a backup may know of none afterwards, although its QEMU still serves the disks at the socket, holds the scratch images
 * open and refuses every other backup. Only QEMU can be told to end that, past libvirt, which notes that on the domain (its taint `custom-monitor`); so it is done
 * only where the socket of a backup that is over is still there. False when there was nothing to end.
 *
 * QEMU QMP reference: `nbd-server-stop`, `query-named-block-nodes`, `blockdev-del`.
 */
export async function stopForgotten({ caller, transport }: BackupServer, domain: Domain, socket: string): Promise<boolean> {
  if (runOf(socket) === undefined || !(await isScratchThere(transport, socket, undoing()))) return false;
  // Another backup may have begun since, which libvirt knows of.
  if (await findBackup(caller, domain, undoing())) return false;
  try {
    const stopped = await ask(caller, domain, { execute: 'nbd-server-stop' });
    await releaseScratch(caller, domain);
    return stopped.error === undefined;
  } catch (error) {
    // A machine that is off holds nothing.
    if (isRefusal(error, ServerCode.operationInvalid, ServerCode.noDomain)) return false;
    throw error;
  }
}

/** Scratch images of ours, those in use by others first: a format lies on top of its file. */
async function releaseScratch(caller: Caller, domain: Domain): Promise<void> {
  const { result } = await ask(caller, domain, { execute: 'query-named-block-nodes', arguments: { flat: true } });
  const nodes = Array.isArray(result) ? result.flatMap(readNode) : [];
  for (const name of nodes.toSorted((a, b) => Number(a.endsWith('-storage')) - Number(b.endsWith('-storage')))) {
    const { error } = await ask(caller, domain, { execute: 'blockdev-del', arguments: { 'node-name': name } });
    if (error !== undefined)
      throw new HyperError('libvirt/failed', `QEMU does not let go of the scratch image ${name} of the VM ${domain.name}: ${error}`);
  }
}

function readNode(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null || !('node-name' in node) || !('file' in node)) return [];
  const { 'node-name': name, file } = node;
  return typeof name === 'string' && typeof file === 'string' && runOf(file) !== undefined ? [name] : [];
}

interface QemuAnswer {
  readonly result?: unknown;
  /** Why QEMU did not do it. */
  readonly error?: string;
}

async function ask(caller: Caller, domain: Domain, command: { readonly execute: string; readonly arguments?: object }): Promise<QemuAnswer> {
  const { answer } = await caller.call(procedures.qemuMonitorCommand, { domain, command: JSON.stringify(command), flags: 0 }, undoing());
  const said = parse(answer);
  if (typeof said !== 'object' || said === null) throw malformed('hands on an answer of QEMU that is none');
  if ('return' in said) return { result: said.return };
  const { error } = said as { readonly error?: { readonly desc?: unknown } | null };
  return { error: toPrintable(typeof error?.desc === 'string' ? error.desc : '') || 'it does not say why' };
}

function parse(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch (cause) {
    throw misbehaves('libvirt/malformed-reply', 'hands on an answer of QEMU that cannot be read', { cause });
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { readBackup, type BackupPlan, type RunningBackup, toBackupXml, toCheckpointXml } from './backup-xml.ts';
import { undoing, unstoppable } from './run-effects.ts';

/** The backup that goes on at the domain, whoever began it. */
export async function findBackup(client: Caller, domain: Domain, o: Cancel): Promise<RunningBackup | undefined> {
  try {
    return readBackup((await client.call(procedures.backupGetXml, { domain, flags: 0 }, o)).xml);
  } catch (error) {
    if (isRefusal(error, ServerCode.noBackup, ServerCode.noDomain, ServerCode.operationInvalid)) return undefined;
    throw error;
  }
}

export async function requireNoBackup(client: Caller, domain: Domain, o: Cancel): Promise<void> {
  const running = await findBackup(client, domain, o);
  if (!running) return;
  throw new HyperError('vm/busy', `Another backup of the VM ${domain.name} goes on${running.socket === undefined ? '' : ` at ${running.socket}`}.`, {
    detail: { vm: domain.uuid, ...(running.socket === undefined ? {} : { socket: running.socket }) },
  });
}

/** All disks of the plan at this very moment. With `freezes`, the guest writes out what it holds first; answers whether it did. */
export async function beginBackup(
  client: Caller,
  domain: Domain,
  o: Cancel & { readonly plan: BackupPlan; readonly freezes: boolean },
): Promise<boolean> {
  const { signal, plan, freezes } = o;
  const isFrozen = freezes && (await freeze(client, domain));
  try {
    signal.throwIfAborted();
    const checkpointXml = toCheckpointXml(plan);
    await client.call(procedures.backupBegin, { domain, backupXml: toBackupXml(plan), checkpointXml, flags: 0 }, unstoppable);
  } finally {
    // Whether it began or not; a guest that stays frozen is worse than any failed backup.
    if (isFrozen) await thaw(client, domain);
  }
  signal.throwIfAborted();
  return isFrozen;
}

/**
 * Without an agent that answers, the disks are as a power cut would leave them. It is not called off half way: the guest would freeze after the one who was to
 * let it go on had left.
 */
async function freeze(client: Caller, domain: Domain): Promise<boolean> {
  try {
    await client.call(procedures.domainFsFreeze, { domain, mountPoints: [], flags: 0 }, unstoppable);
    return true;
  } catch (error) {
    // A freeze that was given up half way, or whose answer did not come, may have frozen some.
    await thaw(client, domain).catch(() => {});
    if (!(error instanceof HyperError) || error.detail['libvirtCode'] === undefined) throw error;
    return false;
  }
}

/** Lets a guest go on that a killed run may have left frozen. One that is not frozen does not mind, and one without an agent was not. */
export const thaw = (client: Caller, domain: Domain): Promise<unknown> =>
  client.call(procedures.domainFsThaw, { domain, mountPoints: [], flags: 0 }, undoing());

/** libvirt answers an abort before QEMU has ended the job and let go of its files. */
const ENDING_MS = 60_000;
const ENDING_PAUSE_MS = 50;

/** Ends the backup at this socket, which takes its scratch files along, and settles when they are gone. False when there was none. */
export async function endBackup(client: Caller, domain: Domain, socket: string): Promise<boolean> {
  const isThere = async (): Promise<boolean> => (await findBackup(client, domain, undoing()))?.socket === socket;
  if (!(await isThere())) return false;
  try {
    await client.call(procedures.domainAbortJob, { domain }, undoing());
  } catch (error) {
    // It may have ended by itself in between, with its QEMU.
    if (await isThere()) throw error;
  }
  for (const until = performance.now() + ENDING_MS; await isThere(); await delay(ENDING_PAUSE_MS)) {
    if (performance.now() > until)
      throw new HyperError('vm/busy', `The backup of the VM ${domain.name} at ${socket} was aborted and has not ended within ${ENDING_MS / 1000} s.`);
  }
  return true;
}

/** VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY. */
const CHECKPOINT_METADATA_ONLY = 2;

/** Forgets a checkpoint of a domain that runs, with its bitmaps; one whose bitmaps are gone is forgotten alone. False when there was none. */
export async function deleteCheckpoint(client: Caller, domain: Domain, name: string): Promise<boolean> {
  const checkpoint = { name, domain };
  try {
    await client.call(procedures.checkpointDelete, { checkpoint, flags: 0 }, undoing());
    return true;
  } catch (error) {
    if (isRefusal(error, ServerCode.noCheckpoint, ServerCode.noDomain)) return false;
    if (!isRefusal(error, ServerCode.internal, ServerCode.operationInvalid, ServerCode.invalidArgument)) throw error;
    await client.call(procedures.checkpointDelete, { checkpoint, flags: CHECKPOINT_METADATA_ONLY }, undoing());
    return true;
  }
}

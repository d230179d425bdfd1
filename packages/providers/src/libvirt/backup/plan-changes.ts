import type { DiskInfo } from '@hypersdk/domain';
import type { Cancel, LeaseRequest } from '@hypersdk/ports';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { checkpointOf } from './backup-mark.ts';

/** Since which checkpoint each disk can tell its changes, and why the others cannot. */
export interface PlannedChanges {
  readonly since: ReadonlyMap<string, string>;
  readonly reasons: ReadonlyMap<string, string>;
}

export const NO_CHANGES: PlannedChanges = { since: new Map(), reasons: new Map() };

/** Bitmaps are kept in qcow2 images alone. */
export const canBeRecorded = (disk: DiskInfo): boolean => disk.format === 'qcow2';

export async function planChanges(
  client: Caller,
  domain: Domain,
  { signal, disks, changes }: Cancel & { readonly disks: readonly DiskInfo[]; readonly changes: NonNullable<LeaseRequest['changes']> },
): Promise<PlannedChanges> {
  const known = await listCheckpoints(client, domain, { signal });
  const since = new Map<string, string>();
  const reasons = new Map<string, string>();
  for (const disk of disks) {
    const mark = changes.since.get(disk.id);
    const checkpoint = mark === undefined ? undefined : checkpointOf(mark, { uuid: domain.uuid, disk: disk.id });
    if (!canBeRecorded(disk))
      reasons.set(disk.id, `changes are recorded in qcow2 images only, and ${disk.label} is ${disk.format ?? 'of another format'}`);
    else if (checkpoint === undefined) reasons.set(disk.id, 'the earlier export is not of this disk through this libvirt');
    else if (!known.has(checkpoint)) reasons.set(disk.id, `the checkpoint ${checkpoint} is not there any more`);
    else since.set(disk.id, checkpoint);
  }
  return { since, reasons };
}

/** The names of all of a domain's checkpoints, whoever made them. A driver that has none answers with none. */
export async function listCheckpoints(client: Caller, domain: Domain, o: Cancel): Promise<ReadonlySet<string>> {
  try {
    const { checkpoints } = await client.call(procedures.domainListAllCheckpoints, { domain, needsResults: 1, flags: 0 }, o);
    return new Set(checkpoints.map(({ name }) => name));
  } catch (error) {
    if (isRefusal(error, ServerCode.noSupport, ServerCode.noDomain)) return new Set();
    throw error;
  }
}

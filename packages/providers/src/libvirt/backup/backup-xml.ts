// libvirt, "Backup XML format" and "Checkpoint XML format".
import { childNamed, childrenNamed, parseXml, xml, xmlText, type XmlElement } from '@hypersdk/wire';

export interface BackupDisk {
  /** As the guest knows it: vda. */
  readonly target: string;
  /** A new file on the server: what the guest overwrites meanwhile is kept there. */
  readonly scratch: string;
  /** Only what changed since this checkpoint is marked; absent: all of it. */
  readonly since?: string;
  /** Whether the new checkpoint begins to record its changes. */
  readonly isRecorded: boolean;
}

export interface BackupPlan {
  /** Where the server listens for whoever reads. */
  readonly socket: string;
  readonly disks: readonly BackupDisk[];
  /** The name of the new checkpoint, made at the very moment that is backed up. */
  readonly checkpoint?: string;
}

export const toBackupXml = ({ socket, disks }: BackupPlan): string =>
  xml('domainbackup', { mode: 'pull' }, xml('server', { transport: 'unix', socket }), xml('disks', {}, ...disks.map(toBackupDisk)));

const toBackupDisk = ({ target, scratch, since }: BackupDisk): string =>
  xml(
    'disk',
    { name: target, backup: 'yes', type: 'file', backupmode: since === undefined ? 'full' : 'incremental', incremental: since },
    xml('driver', { type: 'qcow2' }),
    xml('scratch', { file: scratch }),
  );

/** Undefined when no disk is recorded. */
export function toCheckpointXml({ checkpoint, disks }: BackupPlan): string | undefined {
  const recorded = disks.filter(({ isRecorded }) => isRecorded);
  if (checkpoint === undefined || recorded.length === 0) return undefined;
  return xml(
    'domaincheckpoint',
    {},
    xml('name', {}, xmlText(checkpoint)),
    xml('disks', {}, ...recorded.map(({ target }) => xml('disk', { name: target, checkpoint: 'bitmap' }))),
  );
}

export interface RunningDisk {
  readonly target: string;
  readonly exportName: string;
  /** The checkpoint since which, and the name by which, the export tells what changed; absent for a full one. */
  readonly changes?: { readonly since: string; readonly bitmap: string };
}

/** A backup that goes on now, as the server describes it. */
export interface RunningBackup {
  readonly socket?: string;
  readonly disks: readonly RunningDisk[];
}

export function readBackup(text: string): RunningBackup {
  const root = parseXml(text);
  const socket = childNamed(root, 'server')?.attributes.get('socket');
  const disks = childrenNamed(childNamed(root, 'disks'), 'disk').flatMap(toRunningDisk);
  return { disks, ...(socket === undefined ? {} : { socket }) };
}

function toRunningDisk({ attributes }: XmlElement): readonly RunningDisk[] {
  const target = attributes.get('name');
  if (target === undefined || attributes.get('backup') !== 'yes') return [];
  const since = attributes.get('incremental');
  const bitmap = attributes.get('exportbitmap');
  const changes = since === undefined || bitmap === undefined ? {} : { changes: { since, bitmap } };
  return [{ target, exportName: attributes.get('exportname') ?? target, ...changes }];
}

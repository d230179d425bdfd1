// libvirt, "Backup XML format" and "Checkpoint XML format".
import { countWithin } from '../../said-fields.ts';
import { socketBeside } from './effect-names.ts';
import { childNamed, childrenNamed, parseXml, xml, xmlText, type XmlElement } from '@hypersdk/wire';

const PORT_MAX = 65_535;

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

/** Where the network leads to a backup. */
export interface ServedPort {
  /** The server's own, at which it is reached. */
  readonly address: string;
  readonly port: number;
  readonly isTls: boolean;
}

export interface BackupPlan {
  /** Names the backup. Where the server listens for whoever reads, unless that is a port. */
  readonly socket: string;
  readonly port?: ServedPort;
  readonly disks: readonly BackupDisk[];
  /** The name of the new checkpoint, made at the very moment that is backed up. */
  readonly checkpoint?: string;
}

export const toBackupXml = ({ socket, port, disks }: BackupPlan): string =>
  xml(
    'domainbackup',
    { mode: 'pull' },
    port ? toServer(port) : xml('server', { transport: 'unix', socket }),
    xml('disks', {}, ...disks.map(toBackupDisk)),
  );

const toServer = ({ address, port, isTls }: ServedPort): string =>
  xml('server', { transport: 'tcp', tls: isTls ? 'yes' : undefined, name: address, port });

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
  /** Where it listens, when that is no socket. */
  readonly port?: ServedPort;
  readonly disks: readonly RunningDisk[];
}

export function readBackup(text: string): RunningBackup {
  const root = parseXml(text);
  const port = toPort(childNamed(root, 'server'));
  const socket = childNamed(root, 'server')?.attributes.get('socket') ?? (port && nameOf(root));
  const disks = childrenNamed(childNamed(root, 'disks'), 'disk').flatMap(toRunningDisk);
  return { disks, ...(socket === undefined ? {} : { socket }), ...(port ? { port } : {}) };
}

function toPort(server: XmlElement | undefined): ServedPort | undefined {
  const port = countWithin(server?.attributes.get('port'), PORT_MAX);
  if (!server || port === undefined || server.attributes.get('transport') !== 'tcp') return undefined;
  return { address: server.attributes.get('name') ?? '', port, isTls: server.attributes.get('tls') === 'yes' };
}

/** A backup at a port is known by its scratch files, which are named like the socket that it would have. */
function nameOf(root: XmlElement): string | undefined {
  const files = childrenNamed(childNamed(root, 'disks'), 'disk').map((disk) => childNamed(disk, 'scratch')?.attributes.get('file') ?? '');
  return files.map(socketBeside).find((socket) => socket !== undefined);
}

function toRunningDisk({ attributes }: XmlElement): readonly RunningDisk[] {
  const target = attributes.get('name');
  if (target === undefined || attributes.get('backup') !== 'yes') return [];
  const since = attributes.get('incremental');
  const bitmap = attributes.get('exportbitmap');
  const changes = since === undefined || bitmap === undefined ? {} : { changes: { since, bitmap } };
  return [{ target, exportName: attributes.get('exportname') ?? target, ...changes }];
}

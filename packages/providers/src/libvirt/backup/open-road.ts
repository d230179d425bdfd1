import { nbdDisks } from '@hypersdk/disk';
import { HyperError } from '@hypersdk/domain';
import type { Cancel, NbdLocator } from '@hypersdk/ports';
import { pkiFiles } from '../pki-files.ts';
import { type Access, plainAddress } from './access.ts';
import type { RunningBackup } from './backup-xml.ts';
import { LAST_PORT, FIRST_PORT } from './backup-ports.ts';
import { SshRoad } from './ssh-road.ts';

/** A firewall that swallows what it does not like is not waited for longer. */
const REACH_MS = 15_000;

/** Where a server is, and how to know it. */
export type Reach = Pick<NbdLocator, 'server' | 'tls'>;

/** How a backup on the server is reached from here, for as long as it is not disposed of. */
export interface Road extends AsyncDisposable {
  readonly reach: Reach;
  /** Why nothing gets through at the moment; undefined while it does. */
  readonly failure?: HyperError | undefined;
}

export async function openRoad(access: Access, running: RunningBackup, o: Cancel): Promise<Road> {
  o.signal.throwIfAborted();
  const { transport } = access;
  const { socket, port } = running;
  if (!leadsTo(access, running))
    throw new HyperError('libvirt/unsupported', 'libvirt does not serve the backup as it was asked to, at a port with TLS: that takes 6.6 or later.');
  switch (transport.kind) {
    case 'unix':
      return { reach: { server: { path: socket ?? '' } }, [Symbol.asyncDispose]: async () => {} };
    case 'ssh':
      return await SshRoad.open(transport, socket ?? '', o);
    case 'tls':
    case 'tcp': {
      const server = { host: port?.address ?? '', port: port?.port ?? 0 };
      const tls = { kind: 'certificates', files: pkiFiles(transport), serverName: transport.host, verifies: true } as const;
      const reach: Reach = transport.kind === 'tls' ? { server, tls } : { server };
      await requireReach(reach, transport.host, o);
      return { reach, [Symbol.asyncDispose]: async () => {} };
    }
  }
}

/** Asked before anything is made at the server. */
export function requireRoad({ transport, remoteAddress, allowsPlaintext }: Access): void {
  if (transport.kind === 'tcp' && !allowsPlaintext)
    throw new HyperError(
      'libvirt/plaintext-refused',
      'Over a plain connection the disks would be shown to whoever reaches a port of that machine, as long as they are read.',
    );
  if ((transport.kind === 'tcp' || transport.kind === 'tls') && remoteAddress === undefined)
    throw new HyperError('libvirt/lost', 'The address of the libvirt server is not known any more.');
}

/**
 * Whether a backup that goes on can be read over this connection: it may have been begun over another one. Where it listens is what the server says: it has to
 * be the server itself, since whoever names another machine would have us call there.
 */
export function leadsTo(access: Access, { port }: RunningBackup): boolean {
  const { kind } = access.transport;
  if (kind !== 'tls' && kind !== 'tcp') return port === undefined;
  return port?.isTls === (kind === 'tls') && port.address === plainAddress(access);
}

/** A port that a firewall closes is told of before anything is read. */
async function requireReach(reach: Reach, host: string, { signal }: Cancel): Promise<void> {
  const deadline = AbortSignal.timeout(REACH_MS);
  try {
    await nbdDisks.list(
      { kind: 'nbd', exportName: '', allowsPlaintext: true, isSingle: false, pointInTime: '', ...reach },
      { signal: AbortSignal.any([signal, deadline]) },
    );
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof HyperError ? error.message : `nobody answers within ${REACH_MS / 1000} s.`;
    if (error instanceof HyperError && error.code !== 'nbd/unreachable') throw explained(error, host);
    const { port } = { port: 0, ...reach.server };
    throw new HyperError(
      'nbd/unreachable',
      `QEMU shows the disks at port ${port} of ${host}, which cannot be reached: ${why} Open the TCP ports ${FIRST_PORT}-${LAST_PORT} there for this machine (firewall-cmd --add-port=${FIRST_PORT}-${LAST_PORT}/tcp), or use qemu+ssh://.`,
      { cause: error },
    );
  }
}

const explained = (error: HyperError, host: string): HyperError =>
  error.code === 'nbd/tls-failed'
    ? new HyperError(
        'nbd/tls-failed',
        `QEMU at ${host} shows the disks by TLS with certificates of its own (backup_tls_x509_cert_dir in qemu.conf), which are not accepted with those of this connection: ${error.message}`,
        { cause: error },
      )
    : error;

import { resolve } from 'node:path';
import { formatBytes, HyperError } from '@hypersdk/domain';
import type { ServeRequest, ServerTlsFiles } from '@hypersdk/ports';
import type { CliContext } from '../cli-context.ts';
import type { ServeFlags } from '../commands/serve.ts';
import { formatOfDisk, locateDisk, nameOfDisk } from '../locate-disk.ts';
import { respond } from '../output/respond.ts';
import { listenForStop } from '../stop.ts';
import { isLocal } from './parse-listen.ts';

/** The port that IANA gave the protocol. */
const PORT_DEFAULT = 10_809;

export async function runServe(this: CliContext, flags: ServeFlags, path: string): Promise<void> {
  const choices = toChoices(flags);
  const services = await this.services();
  using stop = listenForStop();
  const source = await locateDisk(services, path, { flags, stop, terminal: this.terminal });
  const { address } = choices;
  if (!choices.tls && 'host' in address && !isLocal(address)) {
    const what = choices.access === 'in-place' ? 'read and change' : 'read';
    this.terminal.err(`hyperexport: warning: without TLS, everybody on this network can ${what} the disk\n`);
  }
  await using served = await services.diskServer.serve({ ...choices, source }, stop);
  const { uri, virtualSize } = served;
  respond(this, flags, {
    document: { uri, path: nameOfDisk(source, path), format: formatOfDisk(source), virtualSize, access: choices.access },
    text: () => `${uri}\n${describeAccess(choices)}, ${formatBytes(virtualSize)}; Ctrl-C ends it\n`,
  });
  await new Promise<void>((told) => (stop.signal.aborted ? told() : stop.onStop(told)));
}

const describeAccess = ({ access }: Pick<ServeRequest, 'access'>): string => ACCESSES[access];

const ACCESSES = {
  'read-only': 'read-only',
  overlay: 'writes are taken and dropped at the end',
  'in-place': 'writes change the image',
} as const satisfies Record<ServeRequest['access'], string>;

function toChoices(flags: ServeFlags): Omit<ServeRequest, 'source'> {
  if (flags.socket !== undefined && flags.listen) throw new HyperError('usage/invalid', 'One server listens at one place: --socket or --listen');
  const ways = [flags.readOnly && '--read-only', flags.overlay && '--overlay', flags.writable && '--writable'].filter(
    (way) => way !== undefined && way !== false,
  );
  if (ways.length > 1) throw new HyperError('usage/invalid', `A disk is read-only, or its writes are dropped or kept: ${ways.join(' or ')}`);
  const tls = toTls(flags);
  return {
    access: flags.writable ? 'in-place' : flags.overlay ? 'overlay' : 'read-only',
    exportName: flags.export ?? '',
    address: flags.socket === undefined ? (flags.listen ?? { host: '127.0.0.1', port: PORT_DEFAULT }) : { path: resolve(flags.socket) },
    connectionsMax: flags.clients,
    ...(tls ? { tls } : {}),
  };
}

function toTls({ tlsCertificates, tlsVerifyClients, tlsPsk }: ServeFlags): ServerTlsFiles | undefined {
  if (tlsCertificates !== undefined && tlsPsk !== undefined) {
    throw new HyperError('usage/invalid', 'TLS goes by certificates or by keys: --tls-certificates or --tls-psk');
  }
  if (tlsVerifyClients && tlsCertificates === undefined) {
    throw new HyperError('usage/invalid', 'Clients are verified by the certificates of --tls-certificates; name their folder');
  }
  if (tlsPsk !== undefined) return { kind: 'psk', file: tlsPsk };
  return tlsCertificates === undefined ? undefined : { kind: 'certificates', folder: tlsCertificates, asksClients: tlsVerifyClients ?? false };
}

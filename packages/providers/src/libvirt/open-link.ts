import { readFile } from 'node:fs/promises';
import { HyperError, systemCode, whyUnreachable } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { dialSocket, dialTls, type Link, type TlsWish, WrongThumbprint } from '@hypersdk/wire';
import type { LibvirtConfig } from './libvirt-config.ts';
import type { LibvirtAddress, LibvirtTransport } from './libvirt-uri.ts';
import { pkiFiles } from './pki-files.ts';
import { openSshLink } from './open-ssh-link.ts';
import { misbehaves } from './rpc/refusals.ts';

/** Certificates and keys are a few kilobytes. */
const PEM_SIZE_MAX = 1024 * 1024;

/** A link over which the RPC can begin. Every way in which it may fail to come about is told with what to do about it. */
export async function openLink({ transport, localUri }: LibvirtAddress, config: LibvirtConfig, o: Cancel): Promise<Link> {
  o.signal.throwIfAborted();
  switch (transport.kind) {
    case 'unix':
      return openUnix(transport.sockets, o);
    case 'tcp':
      return openTcp(transport, config, o);
    case 'tls':
      return openTls(transport, config, o);
    case 'ssh':
      return openSshLink(transport, { localUri, isReadOnly: config.readOnly }, o);
  }
}

async function openUnix(sockets: readonly string[], o: Cancel): Promise<Link> {
  const absent: string[] = [];
  for (const path of sockets) {
    try {
      return await dialSocket({ path }, o);
    } catch (cause) {
      o.signal.throwIfAborted();
      const code = systemCode(cause);
      if (code === 'EACCES' || code === 'EPERM')
        throw new HyperError('libvirt/forbidden', `The socket ${path} of libvirt may not be used by this user.`, { cause });
      absent.push(
        `${path} ${code === 'ENOENT' ? 'is not there' : code === 'ECONNREFUSED' ? 'has nobody behind it' : `gives ${code ?? String(cause)}`}`,
      );
    }
  }
  throw new HyperError('libvirt/unreachable', `No libvirt daemon answers on this machine: ${absent.join(', ')}.`);
}

/** Judged by the address that was in fact connected to: a name may lead anywhere. */
async function openTcp({ host, port }: Extract<LibvirtTransport, { kind: 'tcp' }>, { allowsPlaintext }: LibvirtConfig, o: Cancel): Promise<Link> {
  const link = await reached(`${host}:${port}`, o, () => dialSocket({ host, port }, o));
  if (allowsPlaintext || /^(?:::ffff:)?127\.|^::1$/.test(link.remoteAddress ?? '')) return link;
  link[Symbol.dispose]();
  throw new HyperError(
    'libvirt/plaintext-refused',
    `The libvirt server at ${link.remoteAddress} is on another machine, and without TLS or SSH anybody between could take it over.`,
  );
}

async function openTls(transport: Extract<LibvirtTransport, { kind: 'tls' }>, { thumbprint }: LibvirtConfig, o: Cancel): Promise<Link> {
  const { host, port } = transport;
  const wish: TlsWish = { serverName: host, ...(await loadPki(transport)), ...(thumbprint === undefined ? {} : { thumbprint }) };
  const link = await reached(`${host}:${port}`, o, () => dialTls({ host, port }, wish, o));
  await confirmed(link, o);
  return link;
}

/** What the network says when nobody was met; whatever else goes wrong went wrong with somebody there. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EACCES',
]);

async function reached(place: string, { signal }: Cancel, dial: () => Promise<Link>): Promise<Link> {
  try {
    return await dial();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof WrongThumbprint)
      throw new HyperError('libvirt/tls-failed', `${place} is not the server that was named: ${cause.message}.`, { cause });
    const code = systemCode(cause);
    if (code === undefined || !UNREACHABLE.has(code))
      throw new HyperError('libvirt/tls-failed', `TLS could not be agreed on with ${place}: ${reasonOf(cause)}.`, { cause });
    throw new HyperError('libvirt/unreachable', `The libvirt server at ${place} cannot be reached: ${whyUnreachable(cause)}.`, { cause });
  }
}

/**
 * A server that wants certificates tells with one byte, after the handshake, that it accepted ours: in TLS 1.3 the client's handshake is over before
 * the server has looked at them. A refusal is an end without that byte.
 */
async function confirmed(link: Link, { signal }: Cancel): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const refused = (why: string, cause?: unknown): HyperError =>
    new HyperError('libvirt/tls-failed', `The libvirt server did not accept this client: ${why}.`, { cause });
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  link.receiver = {
    received: (bytes) => {
      if (bytes.length === 1 && bytes[0] === 1) resolve();
      else reject(refused('it sends something else than the byte that says so'));
    },
    ended: (reason) => reject(refused(reason.message, reason)),
  };
  try {
    await promise;
  } catch (error) {
    link[Symbol.dispose]();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function loadPki(transport: Extract<LibvirtTransport, { kind: 'tls' }>): Promise<Partial<Pick<TlsWish, 'authority' | 'certificate' | 'key'>>> {
  const files = pkiFiles(transport);
  const [authority, certificate, key] = await Promise.all([readPem(files.authority), readPem(files.certificate), readPem(files.key)]);
  return {
    ...(authority === undefined ? {} : { authority }),
    ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
  };
}

/** Undefined when there is no such file: a server may do without certificates of its clients, and with an authority that the system knows. */
async function readPem(path: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > PEM_SIZE_MAX)
      throw misbehaves('libvirt/tls-failed', `cannot be met with ${path}, which is too large for a certificate or key`);
    return bytes.toString('utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined;
    if (cause instanceof HyperError) throw cause;
    throw new HyperError('libvirt/tls-failed', `${path} cannot be read: ${systemCode(cause) ?? 'unknown'}.`, { cause });
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');

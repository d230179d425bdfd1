import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Link } from './link.ts';

/** Where somebody listens. */
export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export interface TlsWish {
  /** What the certificate has to be for. */
  readonly serverName: string;
  /** PEM of the authority that is believed; absent: those that the system trusts. */
  readonly authority?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** SHA-256 of the server's certificate in hexadecimal: believed whoever signed it, and nobody else is. */
  readonly thumbprint?: string;
}

/** The server showed another certificate than the one that was named. */
export class WrongThumbprint extends Error {
  readonly found: string;

  constructor(found: string) {
    super(`the server's certificate has the SHA-256 thumbprint ${found}`);
    this.name = 'WrongThumbprint';
    this.found = found;
  }
}

/** A plain connection to a socket. Rejects with the system's error. */
export async function dialSocket(address: SocketAddress, o: { readonly signal: AbortSignal }): Promise<Link> {
  const socket = connect('path' in address ? { path: address.path } : { ...address, noDelay: true });
  await opened(socket, { ...o, event: 'connect' });
  return toLink(socket);
}

/** A TLS connection whose server is who it should be. Rejects with the reason of the TLS layer. */
export async function dialTls(address: SocketAddress, wish: TlsWish, o: { readonly signal: AbortSignal }): Promise<Link> {
  const socket = connectTls({ ...('path' in address ? address : { host: address.host, port: address.port }), ...toOptions(wish) });
  await opened(socket, { ...o, event: 'secureConnect' });
  const { thumbprint } = wish;
  if (thumbprint !== undefined) {
    const found = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase() ?? 'none';
    if (found !== thumbprint.replaceAll(':', '').toLowerCase()) {
      socket.destroy();
      throw new WrongThumbprint(found);
    }
  }
  socket.setNoDelay(true);
  return toLink(socket, { isStepwise: true });
}

function toOptions({ serverName, authority, certificate, key, thumbprint }: TlsWish): ConnectionOptions {
  return {
    // RFC 6066 §3: addresses are no server names.
    ...(isIP(serverName) ? {} : { servername: serverName }),
    ...(authority === undefined ? {} : { ca: authority }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    // A named thumbprint says more than any signature; it is compared before anything is sent.
    rejectUnauthorized: thumbprint === undefined,
  };
}

async function opened(socket: Socket, { signal, event }: { readonly signal: AbortSignal; readonly event: string }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(signal.reason);
  const hungUp = (): void => reject(new Error('the other side hung up'));
  signal.addEventListener('abort', stop, { once: true });
  socket.once(event, resolve).once('error', reject).once('close', hungUp);
  if (signal.aborted) stop();
  try {
    await promise;
  } catch (error) {
    // The socket may fail once more on its way down; nobody is interested any longer.
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    socket.off('error', reject).off('close', hungUp);
  }
}

function toLink(socket: Socket, o: { readonly isStepwise?: true } = {}): Link {
  return new Link({
    from: socket,
    to: socket,
    destroy: () => socket.destroy(),
    ...o,
    ...(socket.remoteAddress === undefined ? {} : { remoteAddress: socket.remoteAddress }),
  });
}

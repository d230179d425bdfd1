import { once } from 'node:events';
import { lstat, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { HyperError, systemCode, whyUnreachable } from '@hypersdk/domain';
import type { ServedExports } from './answer-options.ts';
import { Channel } from './channel.ts';
import { placeOf, type NbdAddress } from './nbd-address.ts';
import type { ServerSecrets } from './nbd-tls.ts';
import { serveConnection } from './served-connection.ts';

export interface ServeWish {
  readonly address: NbdAddress;
  readonly exports: ServedExports;
  /** Present: every client has to use TLS. */
  readonly secrets?: ServerSecrets;
  /** Clients beyond this number are hung up on. */
  readonly connectionsMax: number;
}

/** Listens, and serves every client by itself. */
export class NbdServer implements AsyncDisposable {
  /** Where it listens; a port of 0 was replaced by the one that was free. */
  readonly address: NbdAddress;
  readonly #server: Server;
  readonly #stop: AbortController;
  readonly #clients: Set<Promise<void>>;

  private constructor(server: Server, o: { readonly address: NbdAddress; readonly stop: AbortController; readonly clients: Set<Promise<void>> }) {
    this.#server = server;
    this.address = o.address;
    this.#stop = o.stop;
    this.#clients = o.clients;
  }

  static async listen({ address, exports, secrets, connectionsMax }: ServeWish): Promise<NbdServer> {
    const stop = new AbortController();
    const clients = new Set<Promise<void>>();
    const welcome = (socket: Socket): void => {
      if (clients.size >= connectionsMax) return void socket.destroy();
      const client = serveConnection(Channel.adopt(socket), { exports, secrets, signal: stop.signal }).finally(() => clients.delete(client));
      clients.add(client);
    };
    if ('path' in address) await removeAbandoned(address.path);
    const server = createServer(welcome);
    try {
      server.listen('path' in address ? { path: address.path } : { host: address.host, port: address.port });
      await once(server, 'listening');
    } catch (cause) {
      throw cannotListen(address, cause);
    }
    return new NbdServer(server, { address: 'path' in address ? address : { ...address, port: portOf(server.address()) }, stop, clients });
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Hangs up on everybody; the socket is gone afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#stop.abort();
    await Promise.all(this.#clients);
    await closed;
  }
}

/** The socket of a server that was killed stays behind. One that somebody listens at is left alone. */
async function removeAbandoned(path: string): Promise<void> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
  } catch (cause) {
    // A file that is no socket refuses as well.
    if (systemCode(cause) === 'ECONNREFUSED' && (await lstat(path)).isSocket()) await rm(path, { force: true });
  } finally {
    socket.destroy();
  }
}

/** What bind(2) says, in words. */
const UNHEARD: Readonly<Record<string, string>> = {
  EADDRINUSE: 'somebody else listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen there',
  ENOENT: 'its folder is not there',
};

function cannotListen(address: NbdAddress, cause: unknown): HyperError {
  const why = UNHEARD[systemCode(cause) ?? ''] ?? whyUnreachable(cause);
  return new HyperError('nbd/unreachable', `No NBD server can be opened at ${placeOf(address)}: ${why}.`, { cause });
}

const portOf = (address: AddressInfo | string | null): number => (typeof address === 'object' && address ? address.port : 0);

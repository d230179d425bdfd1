import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { LibvirtTransport } from '../libvirt-uri.ts';

/** How a socket on the server is reached from here, for as long as it is not disposed of. */
export interface Road extends AsyncDisposable {
  readonly path: string;
}

export async function openRoad(transport: LibvirtTransport, socket: string, o: Cancel): Promise<Road> {
  o.signal.throwIfAborted();
  switch (transport.kind) {
    case 'unix':
      return { path: socket, [Symbol.asyncDispose]: async () => {} };
    case 'ssh':
    case 'tls':
    case 'tcp':
      throw new HyperError('libvirt/unsupported', 'Disks are read only from the libvirt daemon of this machine: run the export on that host.');
  }
}

import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { LibvirtTransport } from '../libvirt-uri.ts';
import { SshRoad } from './ssh-road.ts';

/** How a socket on the server is reached from here, for as long as it is not disposed of. */
export interface Road extends AsyncDisposable {
  readonly path: string;
  /** Why nothing gets through at the moment; undefined while it does. */
  readonly failure?: HyperError | undefined;
}

export async function openRoad(transport: LibvirtTransport, socket: string, o: Cancel): Promise<Road> {
  o.signal.throwIfAborted();
  switch (transport.kind) {
    case 'unix':
      return { path: socket, [Symbol.asyncDispose]: async () => {} };
    case 'ssh':
      return await SshRoad.open(transport, socket, o);
    case 'tls':
    case 'tcp':
      throw noRoad();
  }
}

/** Asked before anything is made at the server. */
export function requireRoad({ kind }: LibvirtTransport): void {
  if (kind === 'tls' || kind === 'tcp') throw noRoad();
}

const noRoad = (): HyperError =>
  new HyperError('libvirt/unsupported', 'Disks are read on the machine of the libvirt daemon or through SSH: use qemu+ssh://USER@HOST/system.');

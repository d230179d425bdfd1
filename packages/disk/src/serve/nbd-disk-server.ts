import { join } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import type { DiskServer, ServedDisk, ServeRequest, ServerTlsFiles } from '@hypersdk/ports';
import { NBD_PORT, NbdServer, type NbdAddress, type NbdBackend, type ServerSecrets } from '@hypersdk/wire';
import { readPskFile, readText } from '../remote/load-tls.ts';
import { DiskReaders } from './disk-readers.ts';
import { Overlay, type OverlayBase } from './overlay.ts';
import { RawDisk } from './raw-disk.ts';

/** "Block size constraints": the preferred size is a power of two from 512 on; larger ones than this only make clients read too much. */
const PREFERRED_MIN = 4096;
const PREFERRED_MAX = 2 * 1024 * 1024;

/** Serves disks over NBD: threads read, this one only passes bytes on. What is written in place goes to one open file. */
export const nbdDiskServer: DiskServer = {
  serve: async (request, o) => {
    o.signal.throwIfAborted();
    await using opened = new AsyncDisposableStack();
    const secrets = request.tls ? await loadSecrets(request.tls) : undefined;
    const backend = await openBackend(request, opened);
    const server = opened.use(
      await NbdServer.listen({
        address: request.address,
        exports: new Map([[request.exportName, backend]]),
        connectionsMax: request.connectionsMax,
        ...(secrets ? { secrets } : {}),
      }),
    );
    const uri = toUri(server.address, request);
    const kept = opened.move();
    return { uri, virtualSize: backend.size, [Symbol.asyncDispose]: () => kept.disposeAsync() } satisfies ServedDisk;
  },
};

async function openBackend({ source, access }: ServeRequest, opened: AsyncDisposableStack): Promise<NbdBackend> {
  if (access === 'in-place') return inPlace(opened.use(await RawDisk.open(source)));
  const readers = opened.use(await DiskReaders.open(source));
  return toBackend(readers, access === 'overlay' ? opened.use(await Overlay.open(toBase(readers))) : undefined);
}

const inPlace = (disk: RawDisk): NbdBackend => ({
  size: disk.virtualSize,
  description: 'raw disk',
  preferredBlockSize: PREFERRED_MIN,
  read: (offset, length) => disk.read({ offset, length }),
  runs: (range, countMax) => disk.extents(range, countMax),
  writing: disk,
});

const toBase = (readers: DiskReaders): OverlayBase => ({
  size: readers.disk.virtualSize,
  read: (range) => readers.read(range),
  extents: (range, countMax) => readers.extents(range, countMax),
});

function toBackend(readers: DiskReaders, overlay: Overlay | undefined): NbdBackend {
  const { virtualSize, unitSize, format } = readers.disk;
  const served = overlay ?? readers;
  return {
    size: virtualSize,
    description: `${format} disk`,
    preferredBlockSize: toPreferred(unitSize),
    read: (offset, length) => served.read({ offset, length }),
    runs: ({ offset, length }, countMax) => served.extents({ offset, length }, countMax),
    ...(overlay
      ? { writing: { write: (offset, bytes) => overlay.write(offset, bytes), zero: (range) => overlay.zero(range), flush: async () => undefined } }
      : {}),
  };
}

function toPreferred(unitSize: number): number {
  let size = PREFERRED_MIN;
  while (size < unitSize && size < PREFERRED_MAX) size *= 2;
  return size;
}

async function loadSecrets(tls: ServerTlsFiles): Promise<ServerSecrets> {
  if (tls.kind === 'psk') {
    const keys = await readPskFile(tls.file);
    if (keys.size === 0) throw new HyperError('nbd/tls-failed', `${tls.file} holds no key.`, { detail: { file: tls.file } });
    return { kind: 'psk', keys };
  }
  const [certificate, key] = [await readText(join(tls.folder, 'server-cert.pem')), await readText(join(tls.folder, 'server-key.pem'))];
  return { kind: 'certificates', certificate, key, ...(tls.asksClients ? { clientAuthority: await readText(join(tls.folder, 'ca-cert.pem')) } : {}) };
}

/** As the URI specification of the NBD project writes them. */
function toUri(address: NbdAddress, { exportName, tls }: ServeRequest): string {
  const scheme = tls ? 'nbds' : 'nbd';
  const name = encodeURIComponent(exportName);
  if ('path' in address) return `${scheme}+unix:///${name}?socket=${encodeURIComponent(address.path).replaceAll('%2F', '/')}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const port = address.port === NBD_PORT ? '' : `:${address.port}`;
  return `${scheme}://${host}${port}/${name}`;
}

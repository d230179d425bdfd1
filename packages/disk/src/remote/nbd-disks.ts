import { endOf, type RemoteLook } from '@hypersdk/domain';
import type { Cancel, NbdLocator, RemoteDiskInfo, RemoteDisks } from '@hypersdk/ports';
import { listExports, type NbdExport } from '@hypersdk/wire';
import { ThreadedImage } from './http/threaded-image.ts';
import { NbdDisk, nbdMark } from './nbd-disk.ts';
import { NbdLink, untilStopped } from './nbd-link.ts';
import { parseNbdUri } from './nbd-uri.ts';
import { toWish } from './open-nbd-disk.ts';

/** Longest time spent on counting what an export holds; a map that takes longer is not worth waiting for. */
const COUNT_MS = 5000;

/** Disks that are exports of NBD servers. */
export const nbdDisks: RemoteDisks = {
  locate: parseNbdUri,

  inspect: async (locator, o) => {
    const wish = await toWish(locator);
    using link = await NbdLink.open(wish, o);
    const disk = new NbdDisk(link, locator);
    const allocatedSize = link.export.contexts.size === 0 ? undefined : await countData(disk, o);
    const look = o.looks ? await lookAt(disk, locator, o) : undefined;
    return { ...toInfo(link.export, locator), ...(allocatedSize === undefined ? {} : { allocatedSize }), ...(look ? { look } : {}) };
  },

  list: async (locator, o) => listExports(await toWish(locator), o),

  mark: nbdMark,
};

function toInfo(about: NbdExport, { exportName, tls }: NbdLocator): RemoteDiskInfo {
  const { size, readOnly, canMultiConn, blockSize, description, replies, contexts } = about;
  return {
    exportName,
    ...(description === undefined ? {} : { description }),
    virtualSize: size,
    isReadOnly: readOnly,
    details: {
      tls: tls !== undefined,
      replies,
      multiConnection: canMultiConn,
      minimumBlock: blockSize.minimum,
      preferredBlock: blockSize.preferred,
      maximumPayload: blockSize.maximum,
      contexts: [...contexts.keys()].join(' ') || 'none',
    },
  };
}

/** The bytes of an export are the disk; a thread looks at them and waits for what is fetched here. */
async function lookAt(disk: NbdDisk, { exportName }: NbdLocator, { signal }: Cancel): Promise<RemoteLook> {
  const file = { size: disk.virtualSize, read: (offset: number, into: Uint8Array, o: Cancel) => disk.read(offset, into, o) };
  using image = new ThreadedImage(file, `the export ${JSON.stringify(exportName)}`);
  await untilStopped(image.ask({ kind: 'open', format: 'raw' }), signal);
  return await untilStopped(image.ask({ kind: 'look' }), signal);
}

async function countData(disk: NbdDisk, { signal }: Cancel): Promise<number | undefined> {
  const deadline = performance.now() + COUNT_MS;
  let data = 0;
  let at = 0;
  for (const extent of disk.extents({ offset: 0, length: disk.virtualSize })) {
    signal.throwIfAborted();
    if (performance.now() > deadline) return undefined;
    if (extent instanceof Promise) {
      await extent;
      continue;
    }
    if (extent.kind === 'data') data += extent.length;
    at = endOf(extent);
  }
  return at === disk.virtualSize ? data : undefined;
}

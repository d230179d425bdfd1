import { endOf } from '@hypersdk/domain';
import type { Cancel, NbdLocator, RemoteDiskInfo, RemoteDisks } from '@hypersdk/ports';
import { listExports, type NbdExport } from '@hypersdk/wire';
import { NbdDisk, nbdMark } from './nbd-disk.ts';
import { NbdLink } from './nbd-link.ts';
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
    return { ...toInfo(link.export, locator), ...(allocatedSize === undefined ? {} : { allocatedSize }) };
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

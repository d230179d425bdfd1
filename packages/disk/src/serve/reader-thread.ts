// Entry of a thread that reads one disk for a server.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { LEAF_SIZE, type ByteRange, type Extent } from '@hypersdk/domain';
import type { BlockLocator } from '@hypersdk/ports';
import { toWireError } from '../copy/wire-error.ts';
import type { DiskImage } from '../format/disk-image.ts';
import type { DiskSource } from '../locator/disk-source.ts';
import { openLocator } from '../locator/open-locator.ts';
import type { FromReader, ToReader } from './reader-messages.ts';

/** Longest walk through tables for one answer; a client asks on where it ended. */
const WALK_MS = 20;
const EXTENTS_PER_LOOK = 64;
/** Whoever does not want it any more ends this thread. */
const never = new AbortController().signal;

async function serveReads(port: MessagePort, locator: BlockLocator): Promise<void> {
  const send = (message: FromReader, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  let disk: DiskSource;
  try {
    disk = await openLocator(locator, { signal: never });
  } catch (error) {
    return send({ type: 'refused', error: toWireError(error) });
  }
  const answer = async (message: ToReader): Promise<void> => {
    const { id } = message;
    try {
      if (message.type === 'extents') return send({ type: 'extents', id, extents: await walk(disk, message.range, message.countMax) });
      const bytes = await read(disk, message.range);
      send({ type: 'bytes', id, bytes }, [bytes.buffer]);
    } catch (error) {
      send({ type: 'failed', id, error: toWireError(error) });
    }
  };
  port.on('message', (message: ToReader) => void answer(message));
  const { unitSize, format } = describe(disk, locator);
  send({ type: 'ready', virtualSize: disk.virtualSize, unitSize, format });
}

const isImage = (disk: DiskSource): disk is DiskSource & Pick<DiskImage, 'unitSize'> => 'unitSize' in disk && typeof disk.unitSize === 'number';

const describe = (disk: DiskSource, locator: BlockLocator): { readonly unitSize: number; readonly format: string } => ({
  unitSize: isImage(disk) ? disk.unitSize : 1,
  format: locator.kind === 'image' ? locator.image.format : locator.kind === 'http' ? locator.format : 'remote raw',
});

/** In leaves, which is what sources are read in. */
async function read(disk: DiskSource, { offset, length }: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += LEAF_SIZE) await disk.read(offset + at, bytes.subarray(at, at + LEAF_SIZE));
  return bytes;
}

async function walk(disk: DiskSource, range: ByteRange, countMax: number): Promise<readonly Extent[]> {
  const deadline = performance.now() + WALK_MS;
  const extents: Extent[] = [];
  for (const extent of disk.extents(range)) {
    // The client waits for its first run however long the server behind takes.
    if (extent instanceof Promise) {
      await extent;
      continue;
    }
    extents.push(extent);
    if (extents.length >= countMax || (extents.length % EXTENTS_PER_LOOK === 0 && performance.now() > deadline)) break;
  }
  return extents;
}

if (parentPort) void serveReads(parentPort, workerData as BlockLocator);

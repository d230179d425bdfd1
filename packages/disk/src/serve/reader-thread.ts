// Entry of a thread that reads one image for a server.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { ByteRange, Extent, ImageRef } from '@hypersdk/domain';
import { toWireError } from '../copy/wire-error.ts';
import type { DiskImage } from '../format/disk-image.ts';
import { openImage } from '../format/open-image.ts';
import type { FromReader, ToReader } from './reader-messages.ts';

/** Longest walk through tables for one answer; a client asks on where it ended. */
const WALK_MS = 20;
const EXTENTS_PER_LOOK = 64;

function serveReads(port: MessagePort, ref: ImageRef): void {
  const send = (message: FromReader, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  let image: DiskImage;
  try {
    image = openImage(ref);
  } catch (error) {
    return send({ type: 'refused', error: toWireError(error) });
  }
  port.on('message', (message: ToReader) => {
    const { id } = message;
    try {
      if (message.type === 'extents') return send({ type: 'extents', id, extents: walk(image, message.range, message.countMax) });
      const bytes = new Uint8Array(message.range.length);
      image.read(message.range.offset, bytes);
      send({ type: 'bytes', id, bytes }, [bytes.buffer]);
    } catch (error) {
      send({ type: 'failed', id, error: toWireError(error) });
    }
  });
  send({ type: 'ready', virtualSize: image.virtualSize, unitSize: image.unitSize, format: image.format });
}

function walk(image: DiskImage, range: ByteRange, countMax: number): readonly Extent[] {
  const deadline = performance.now() + WALK_MS;
  const extents: Extent[] = [];
  for (const extent of image.extents(range)) {
    extents.push(extent);
    if (extents.length >= countMax || (extents.length % EXTENTS_PER_LOOK === 0 && performance.now() > deadline)) break;
  }
  return extents;
}

if (parentPort) serveReads(parentPort, workerData as ImageRef);

// Entry of a thread that reads one image whose file another thread fetches.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { HyperError, MIB, type ByteRange, type Extent, type RemoteLook } from '@hypersdk/domain';
import { toWireError } from '../../copy/wire-error.ts';
import type { DiskImage } from '../../format/disk-image.ts';
import { openFile } from '../../format/open-image.ts';
import { lookAtGuest } from '../../guest/look-at-guest.ts';
import { countData } from '../../inspect/count-data.ts';
import { FileWindow } from './file-window.ts';
import type { FromImageThread, ImageAnswers, ImageQuestion, ImageThreadStart, ToImageThread } from './image-messages.ts';
import { WaitingFile } from './waiting-file.ts';

/** Longest walk through tables for one answer; it is asked on where it ended. */
const WALK_MS = 20;
const EXTENTS_MAX = 4096;
const EXTENTS_PER_LOOK = 64;
/** A look waits for a line, not only for a disk, and what it reads may cost money. */
const LOOK_MS = 20_000;
const LOOK_BYTES = 64 * MIB;
/** Whoever does not want it any more ends this thread. */
const never = new AbortController().signal;

class ImageReading {
  readonly #file: WaitingFile;
  #image: DiskImage | undefined;

  constructor(file: WaitingFile) {
    this.#file = file;
  }

  async answer(question: ImageQuestion): Promise<ImageAnswers[keyof ImageAnswers]> {
    switch (question.kind) {
      case 'open':
        this.#image = openFile({ path: this.#file.path, format: question.format, references: 'refuse' }, this.#file);
        return { virtualSize: this.#image.virtualSize };
      case 'extents':
        return walk(this.#opened(), question.range);
      case 'read':
        return this.#opened().read(question.offset, new Uint8Array(question.into, 0, question.length)) as undefined;
      case 'inspect':
        return { ...this.#opened().info, allocatedSize: await countData(this.#opened(), { signal: never }), fileSize: this.#file.size };
      case 'look':
        return this.#look();
    }
  }

  async #look(): Promise<RemoteLook> {
    const isEnough = (): boolean => this.#file.bytesFetched > LOOK_BYTES;
    const guest = await lookAtGuest(this.#opened(), { signal: never, timeMs: LOOK_MS, isEnough });
    return { guest, bytesRead: this.#file.bytesFetched };
  }

  #opened(): DiskImage {
    if (!this.#image) throw new HyperError('internal/unexpected', 'An image was read before it was opened.');
    return this.#image;
  }
}

function walk(image: DiskImage, range: ByteRange): readonly Extent[] {
  const deadline = performance.now() + WALK_MS;
  const extents: Extent[] = [];
  for (const extent of image.extents(range)) {
    extents.push(extent);
    if (extents.length >= EXTENTS_MAX || (extents.length % EXTENTS_PER_LOOK === 0 && performance.now() > deadline)) break;
  }
  return extents;
}

function serve(port: MessagePort, { path, size, window }: ImageThreadStart): void {
  const send = (message: FromImageThread): void => port.postMessage(message);
  const fetch = (slot: number, range: ByteRange): void => send({ type: 'fetch', slot, range });
  const reading = new ImageReading(new WaitingFile({ path, size, window: new FileWindow(window), fetch }));
  let last = Promise.resolve();
  port.on('message', ({ id, question }: ToImageThread) => {
    // One after the other: readers keep tables in hand between two steps.
    last = last
      .then(() => reading.answer(question))
      .then(
        (answer) => send({ type: 'answer', id, answer }),
        (error: unknown) => send({ type: 'failed', id, error: toWireError(error) }),
      );
  });
}

if (parentPort) serve(parentPort, workerData as ImageThreadStart);

import { createHash } from 'node:crypto';
import { endOf, HyperError, LEAF_SIZE, type ByteRange, type Extent } from '@hypersdk/domain';
import type { Cancel, HttpLocator } from '@hypersdk/ports';
import { RangeFile } from '@hypersdk/wire';
import type { DiskSource, Pending, TakeAt } from '../../locator/disk-source.ts';
import { untilStopped } from '../nbd-link.ts';
import { loadWish } from './load-wish.ts';
import { ThreadedImage } from './threaded-image.ts';

/** Opens an image on a web server as a source of leaves. Raw bytes go straight to who reads; all else through a thread that knows the format. */
export async function openHttpDisk(locator: HttpLocator, o: Cancel): Promise<DiskSource> {
  const file = await RangeFile.open(await loadWish(locator), o);
  try {
    return locator.format === 'raw' ? openRaw(file, locator, o) : await openFormatted(file, locator, o);
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/** The address, and what the server says that names the content. */
export const httpMark = (shown: string, file: RangeFile): string =>
  `http:${createHash('sha256').update(`${shown}\n${file.content}`).digest('hex').slice(0, 32)}`;

const openRaw = (file: RangeFile, { shown }: HttpLocator, o: Cancel): DiskSource => ({
  virtualSize: file.size,
  files: [],
  mark: httpMark(shown, file),
  *extents(range) {
    if (range.length > 0) yield { ...range, kind: 'data' };
  },
  read: (offset, into) => file.read(offset, into, o),
  pass: async (ranges, take) => {
    for (const range of ranges) await passRange(file, range, { take, ...o });
  },
  [Symbol.dispose]: () => file[Symbol.dispose](),
});

async function passRange(file: RangeFile, range: ByteRange, { take, signal }: Cancel & { readonly take: TakeAt }): Promise<void> {
  let at = range.offset;
  const takeNext = (bytes: Uint8Array): void => {
    take(at, bytes);
    at += bytes.length;
  };
  await file.pass(range, takeNext, { signal });
}

async function openFormatted(file: RangeFile, { shown, format }: HttpLocator, { signal }: Cancel): Promise<DiskSource> {
  const image = new ThreadedImage(file, shown);
  try {
    const { virtualSize } = await untilStopped(image.ask({ kind: 'open', format }), signal);
    const leaves = new SharedLeaves();
    return {
      virtualSize,
      files: [],
      mark: httpMark(shown, file),
      extents: (range) => walk(image, range, signal),
      read: (offset, into) =>
        leaves.lend(async (shared) => {
          await untilStopped(image.ask({ kind: 'read', offset, length: into.length, into: shared }), signal);
          into.set(new Uint8Array(shared, 0, into.length));
        }),
      [Symbol.dispose]: () => {
        image[Symbol.dispose]();
        file[Symbol.dispose]();
      },
    };
  } catch (error) {
    image[Symbol.dispose]();
    throw error;
  }
}

function* walk(image: ThreadedImage, range: ByteRange, signal: AbortSignal): Generator<Extent | Pending> {
  const end = range.offset + range.length;
  for (let at = range.offset; at < end;) {
    let batch: readonly Extent[] | undefined;
    let failure: unknown;
    yield untilStopped(image.ask({ kind: 'extents', range: { offset: at, length: end - at } }), signal).then(
      (extents) => void (batch = extents),
      (error: unknown) => void (failure = error),
    );
    const last = batch?.at(-1);
    if (!batch || !last) throw failure instanceof Error ? failure : new HyperError('internal/unexpected', `An image tells nothing of byte ${at}.`);
    yield* batch;
    at = endOf(last);
  }
}

/** Memory that the reading thread fills, used again once its bytes were taken. A read that is stopped keeps its own, which then nobody uses. */
class SharedLeaves {
  readonly #free: SharedArrayBuffer[] = [];

  async lend(work: (shared: SharedArrayBuffer) => Promise<void>): Promise<void> {
    const shared = this.#free.pop() ?? new SharedArrayBuffer(LEAF_SIZE);
    await work(shared);
    this.#free.push(shared);
  }
}

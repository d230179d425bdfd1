import { HyperError, type ByteRange, type ImageFormat } from '@hypersdk/domain';
import type { Cancel, HttpLocator, WebChoices, WebImages } from '@hypersdk/ports';
import { parseHttpTarget, RangeFile } from '@hypersdk/wire';
import { endsOf, probeEnds } from '../../inspect/probe-file.ts';
import { untilStopped } from '../nbd-link.ts';
import { loadWish } from './load-wish.ts';
import { httpMark } from './open-http-disk.ts';
import { ThreadedImage } from './threaded-image.ts';

/** Image files on web servers. */
export const webImages: WebImages = {
  locate: async (text, o) => (/^https?:\/\//i.test(text) ? locate(text, o) : undefined),
  inspect: async (locator, o) => withImage(locator, o, async (image) => image.ask({ kind: 'inspect' })),
  look: async (locator, o) => withImage(locator, o, async (image) => image.ask({ kind: 'look' })),
};

async function locate(url: string, { signal, format: claimed, authorityFile, headerFile }: WebChoices & Cancel): Promise<HttpLocator> {
  const { shown } = parseHttpTarget(url);
  const files = { ...(authorityFile === undefined ? {} : { authorityFile }), ...(headerFile === undefined ? {} : { headerFile }) };
  using file = await RangeFile.open(await loadWish({ url, ...files }), { signal });
  const found = await probe(file, shown, { signal });
  const format = claimed ?? found;
  // A disk that a guest wrote may begin with any bytes, so claimed raw stays raw; any other claim must match what is there.
  if (format !== 'raw' && format !== found) {
    throw new HyperError('image/format-mismatch', `${shown} was named as ${format}, but its bytes are ${found}.`, {
      detail: { claimed: format, found },
    });
  }
  return { kind: 'http', url, shown, ...files, format, mark: httpMark(shown, file) };
}

async function probe(file: RangeFile, shown: string, o: Cancel): Promise<ImageFormat> {
  const { size } = file;
  const { head, tail } = endsOf(size);
  const read = async ({ offset, length }: ByteRange): Promise<Uint8Array> => {
    const bytes = new Uint8Array(length);
    await file.read(offset, bytes, o);
    return bytes;
  };
  const [first, last] = await Promise.all([read(head), read(tail)]);
  return probeEnds({ head: first, tail: last, size }, shown);
}

async function withImage<Answer>(locator: HttpLocator, { signal }: Cancel, ask: (image: ThreadedImage) => Promise<Answer>): Promise<Answer> {
  using file = await RangeFile.open(await loadWish(locator), { signal });
  using image = new ThreadedImage(file, locator.shown);
  await untilStopped(image.ask({ kind: 'open', format: locator.format }), signal);
  return await untilStopped(ask(image), signal);
}

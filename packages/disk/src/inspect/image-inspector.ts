import { statSync } from 'node:fs';
import { imageFormats, HyperError, KIB, type ImageFormat, type ImageInfo, type ImageRef } from '@hypersdk/domain';
import type { Cancel, ImageInspector } from '@hypersdk/ports';
import { ReadableDiskFile } from '../file/disk-file.ts';
import { toSourceError } from '../file/io-error.ts';
import type { DiskImage } from '../format/disk-image.ts';
import { imageReaders } from '../format/formats.ts';
import { openImage } from '../format/open-image.ts';
import { imageMark } from './image-mark.ts';

/** Every signature of a format known here lies in the first bytes of the file. */
const HEAD_SIZE = 64 * KIB;

/** The longest that counting extents holds the caller's thread. */
const COUNT_MS = 10;
/** Extents between two looks at the clock. */
const EXTENTS_PER_LOOK = 4;

/** Reads headers and tables only, and opens nothing but the named file and what its references policy allows. */
export const imageInspector: ImageInspector = {
  probe: async (path, o) => {
    o.signal.throwIfAborted();
    return probeFormat(path);
  },

  inspect: async (ref, o) => {
    using image = openImage(ref);
    const allocatedSize = await countData(image, o);
    const fileSize = image.files.reduce((sum, file) => sum + file.size, 0);
    return { ...image.info, allocatedSize, fileSize } satisfies ImageInfo;
  },

  mark: async (ref, o) => {
    o.signal.throwIfAborted();
    using image = openImage(ref);
    return imageMark(image);
  },

  refer: async (path, o) => {
    o.signal.throwIfAborted();
    return referTo(path, o);
  },
};

function probeFormat(path: string): ImageFormat {
  requireFile(path);
  using file = ReadableDiskFile.open(path);
  const head = new Uint8Array(Math.min(HEAD_SIZE, file.size));
  file.read(0, head);
  const matches = imageFormats.filter((format) => imageReaders[format].probe(head));
  if (matches.length > 1) {
    throw new HyperError('image/malformed', `${path} carries the signatures of several formats at once: ${matches.join(', ')}.`, {
      detail: { path, matches },
    });
  }
  return matches[0] ?? 'raw';
}

function requireFile(path: string): void {
  try {
    if (statSync(path).isDirectory()) throw new HyperError('source/not-a-file', `${path} is a folder, not a disk image.`, { detail: { path } });
  } catch (cause) {
    throw toSourceError(cause, path, 'looking for it');
  }
}

function referTo(path: string, o: Parameters<ImageInspector['refer']>[1]): ImageRef {
  const found = probeFormat(path);
  const format = o.format ?? found;
  // A disk that a guest wrote may begin with any bytes, so claimed raw stays raw; any other claim must match what is there.
  if (format !== 'raw' && format !== found) {
    throw new HyperError('image/format-mismatch', `${path} was named as ${format}, but its bytes are ${found}.`, {
      detail: { path, claimed: format, found },
    });
  }
  return { path, format, references: o.references };
}

async function countData(image: DiskImage, o: Cancel): Promise<number> {
  let data = 0;
  let seen = 0;
  let since = performance.now();
  for (const extent of image.extents({ offset: 0, length: image.virtualSize })) {
    if (extent.kind === 'data') data += extent.length;
    seen += 1;
    if (seen % EXTENTS_PER_LOOK !== 0 || performance.now() - since < COUNT_MS) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    o.signal.throwIfAborted();
    since = performance.now();
  }
  return data;
}

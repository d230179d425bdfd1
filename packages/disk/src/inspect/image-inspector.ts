import { statSync } from 'node:fs';
import { imageFormats, HyperError, KIB, type ImageFormat, type ImageInfo, type ImageRef } from '@hypersdk/domain';
import type { Cancel, ImageInspector } from '@hypersdk/ports';
import { findFile, type FoundFile } from '../archive/find-file.ts';
import { toSourceError } from '../file/io-error.ts';
import { openPart } from '../file/open-part.ts';
import type { DiskImage, ImageReader } from '../format/disk-image.ts';
import { imageReaders } from '../format/formats.ts';
import { openImage } from '../format/open-image.ts';
import { lookAtGuest } from '../guest/look-at-guest.ts';
import { imageMark } from './image-mark.ts';

/** The signatures of most formats lie in the first bytes of the file. */
const HEAD_SIZE = 64 * KIB;
/** That of a fixed VHD lies in its last sector. */
const TAIL_SIZE = 512;

/** The longest that counting extents holds the caller's thread. */
const COUNT_MS = 10;
/** Extents between two looks at the clock. */
const EXTENTS_PER_LOOK = 4;

/** Reads headers and tables only, and opens nothing but the named file and what its references policy allows. */
export const imageInspector: ImageInspector = {
  probe: async (path, o) => {
    o.signal.throwIfAborted();
    return probeFormat(path, findFile(path));
  },

  inspect: async (ref, o) => {
    using image = openImage(ref);
    const allocatedSize = await countData(image, o);
    const fileSize = image.files.reduce((sum, file, index) => sum + (index === 0 ? (image.slice?.length ?? file.size) : file.size), 0);
    return { ...image.info, allocatedSize, fileSize } satisfies ImageInfo;
  },

  look: async (ref, o) => {
    using image = openImage(ref);
    return await lookAtGuest(image, o);
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

function probeFormat(path: string, found: FoundFile): ImageFormat {
  requireFile(found.path);
  using file = openPart(found);
  const head = new Uint8Array(Math.min(HEAD_SIZE, file.size));
  file.read(0, head);
  const tail = new Uint8Array(Math.min(TAIL_SIZE, file.size));
  file.read(file.size - tail.length, tail);
  const matches = imageFormats.filter((format) => {
    const reader: ImageReader = imageReaders[format];
    return reader.probe(head) || (reader.probeTail?.(tail, file.size) ?? false);
  });
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
  const file = findFile(path);
  const found = probeFormat(path, file);
  const format = o.format ?? found;
  // A disk that a guest wrote may begin with any bytes, so claimed raw stays raw; any other claim must match what is there.
  if (format !== 'raw' && format !== found) {
    throw new HyperError('image/format-mismatch', `${path} was named as ${format}, but its bytes are ${found}.`, {
      detail: { path, claimed: format, found },
    });
  }
  // What an image in an archive names would have to be in the archive too.
  return { ...file, format, references: file.slice ? 'refuse' : o.references };
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

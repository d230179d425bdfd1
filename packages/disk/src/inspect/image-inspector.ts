import { statSync } from 'node:fs';
import { HyperError, systemCode, type ImageFormat, type ImageInfo, type ImageRef } from '@hypersdk/domain';
import type { DecryptionKeys, ImageInspector } from '@hypersdk/ports';
import { findFileKey } from '../age/file-key.ts';
import { findFile, type FoundFile } from '../archive/find-file.ts';
import { toSourceError } from '../file/io-error.ts';
import { openPart, openWhole } from '../file/open-part.ts';
import { openImage } from '../format/open-image.ts';
import { lookAtGuest } from '../guest/look-at-guest.ts';
import { countData } from './count-data.ts';
import { imageMark } from './image-mark.ts';
import { probeFile } from './probe-file.ts';

/** Reads headers and tables only, and opens nothing but the named file and what its references policy allows. */
export const imageInspector: ImageInspector = {
  probe: async (path, o) => {
    o.signal.throwIfAborted();
    return probeFormat(path, await unlock(findFile(path), {}));
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

  layerMarks: async (ref, o) => {
    o.signal.throwIfAborted();
    using image = openImage(ref);
    // Each image of a qcow2 chain is one file, unless its content lies in another; of those nothing more is said.
    const isPlain = ref.format === 'qcow2' && ref.slice === undefined && image.info.details['dataFile'] === undefined;
    return isPlain ? image.files.map((_, below) => imageMark({ files: image.files.slice(below) })) : [imageMark(image)];
  },

  refer: async (path, o) => {
    o.signal.throwIfAborted();
    return referTo(path, o, await unlock(findFile(path), o.keys ?? {}));
  },
};

function probeFormat(path: string, found: UnlockedFile): ImageFormat {
  using file = openPart(found);
  return probeFile(file, path);
}

/** A file that is as it is, or whose key is at hand. */
interface UnlockedFile extends FoundFile {
  readonly fileKey?: Uint8Array;
}

async function unlock(found: FoundFile, keys: DecryptionKeys): Promise<UnlockedFile> {
  requireFile(found.path);
  using file = openWhole(found);
  const fileKey = await findFileKey(file, keys);
  return fileKey ? { ...found, fileKey } : found;
}

function requireFile(path: string): void {
  try {
    if (statSync(path).isDirectory()) throw new HyperError('source/not-a-file', `${path} is a folder, not a disk image.`, { detail: { path } });
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT')
      throw new HyperError('source/not-found', `There is no ${path}.`, { detail: { path, system: 'ENOENT' }, cause });
    throw toSourceError(cause, path, 'looking for it');
  }
}

function referTo(path: string, o: Parameters<ImageInspector['refer']>[1], file: UnlockedFile): ImageRef {
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

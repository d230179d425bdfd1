import { dirname, join } from 'node:path';
import { HyperError, type ByteRange, type ImageRef } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';
import { ReadableDiskFile } from '../file/disk-file.ts';
import { FileSlice } from '../file/file-slice.ts';
import type { DiskImage } from './disk-image.ts';
import { imageReaders } from './formats.ts';
import { SlicedImage } from './sliced-image.ts';

/** Opens and inspects an image; every file it reads from is open afterwards and closed by its disposal. */
export function openImage(image: ImageRef): DiskImage {
  const file = ReadableDiskFile.open(image.path);
  try {
    return image.slice ? openSlice(image, file, image.slice) : openIn(image, file);
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

const openSlice = (image: ImageRef, whole: ReadableDiskFile, slice: ByteRange): DiskImage =>
  new SlicedImage(openIn({ ...image, references: 'refuse' }, new FileSlice(whole, slice)), whole, slice);

const openIn = (image: ImageRef, file: ByteFile): DiskImage =>
  imageReaders[image.format].open(file, {
    references: image.references,
    depth: 0,
    openReference: (name) => openBeside(image, name),
    openImage: (reference, format, o) => imageReaders[format].open(reference, o),
  });

/** Opens a file that an image names: only under the policy, only a plain name in the image's own folder, never through a link. */
function openBeside(image: ImageRef, name: string): ReadableDiskFile {
  if (image.references !== 'beside') {
    throw new HyperError(
      'image/refused-reference',
      `${image.path} refers to the file ${JSON.stringify(name)}; images may not name other files unless this is allowed.`,
      {
        detail: { path: image.path, reference: name },
      },
    );
  }
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) {
    throw new HyperError(
      'image/refused-reference',
      `${image.path} refers to ${JSON.stringify(name)}; only plain names of files beside the image are followed.`,
      {
        detail: { path: image.path, reference: name },
      },
    );
  }
  return ReadableDiskFile.open(join(dirname(image.path), name), { follow: false });
}

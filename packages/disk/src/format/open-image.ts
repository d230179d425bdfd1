import { dirname, join } from 'node:path';
import { HyperError, type ImageRef } from '@hypersdk/domain';
import { ReadableDiskFile } from '../file/disk-file.ts';
import type { DiskImage } from './disk-image.ts';
import { imageReaders } from './formats.ts';

/** Opens and inspects an image; every file it reads from is open afterwards and closed by its disposal. */
export function openImage(image: ImageRef): DiskImage {
  const file = ReadableDiskFile.open(image.path);
  try {
    return imageReaders[image.format].open(file, {
      references: image.references,
      depth: 0,
      openReference: (name) => openBeside(image, name),
      openImage: (reference, format, o) => imageReaders[format].open(reference, o),
    });
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

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

import { basename, dirname, join } from 'node:path';
import { HyperError, type ByteRange, type ImageRef, type ListedFiles } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';
import { ReadableDiskFile } from '../file/disk-file.ts';
import { FileSlice } from '../file/file-slice.ts';
import { openWhole } from '../file/open-part.ts';
import type { DiskImage } from './disk-image.ts';
import { followedName } from './followed-name.ts';
import { imageReaders } from './formats.ts';
import { SlicedImage } from './sliced-image.ts';

/** Opens and inspects an image; every file it reads from is open afterwards and closed by its disposal. */
export function openImage(image: ImageRef): DiskImage {
  const file = openWhole(image);
  try {
    return image.slice ? openSlice(image, file, image.slice) : openFile(image, file);
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

const openSlice = (image: ImageRef, whole: ByteFile, slice: ByteRange): DiskImage =>
  new SlicedImage(openFile({ ...image, references: 'refuse' }, new FileSlice(whole, slice)), whole, slice);

/** Opens the image in a file that is open already and takes it over, unless it throws. */
export const openFile = (image: ImageRef, file: ByteFile): DiskImage =>
  imageReaders[image.format].open(file, {
    references: image.references,
    depth: 0,
    ...(image.layers === undefined ? {} : { layers: image.layers }),
    openReference: (name) => openNamed(image, name),
    openImage: (reference, format, o) => imageReaders[format].open(reference, o),
  });

/** Opens a file that an image names, as far as the policy allows it. A file beside the image is never reached through a link; one that the caller lists is opened as the image itself is. */
function openNamed(image: ImageRef, name: string): ReadableDiskFile {
  const { path, references } = image;
  if (references === 'refuse') throw refused(image, name, 'images may not name other files unless this is allowed');
  const followed = followedName([name], references);
  if (references === 'beside') {
    if (followed === undefined) throw refused(image, name, 'only plain names of files beside the image are followed');
    return ReadableDiskFile.open(join(dirname(path), followed), { follow: false });
  }
  const [found, other] = closest(references, name, followed);
  if (found === undefined) throw refused(image, name, 'no file of that name is among those listed');
  if (other !== undefined) throw refused(image, name, `two of the files listed have that name, ${found} and ${other}`);
  return ReadableDiskFile.open(found);
}

/** Those of the files that end in the name. Links of a chain lie in folders of their own under one file name: there the folder tells them apart. */
function closest({ listed, as }: ListedFiles, name: string, last: string | undefined): readonly string[] {
  const found = listed.filter((path, at) => (as?.[at] ?? basename(path)) === last);
  if (found.length < 2) return found;
  const ending = `/${name.replace(/^(?:\.{0,2}\/)+/, '')}`;
  const ended = found.filter((path) => path.endsWith(ending));
  return ended.length === 0 ? found : ended;
}

const refused = (image: ImageRef, name: string, why: string): HyperError =>
  new HyperError('image/refused-reference', `${image.path} refers to the file ${JSON.stringify(name)}; ${why}.`, {
    detail: { path: image.path, reference: name },
  });

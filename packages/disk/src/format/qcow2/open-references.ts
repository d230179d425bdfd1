// QEMU docs/interop/qcow2, "Header" (backing_file_offset, external data file bit) and "Header extensions". An image is hostile: what it names is opened only under the policy.
import { fromQemuName, type HyperError, type ImageFormat } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, ImageReader, OpenOptions } from '../disk-image.ts';
import { followedName } from '../followed-name.ts';
import { refuse } from '../refusal.ts';
import { hasFeature, type Header } from './header.ts';
import type { HeaderExtensions } from './header-extensions.ts';
import { malformed } from './malformed.ts';

/** Longer chains are flattened by every platform that we know; the limit also ends a loop. */
const CHAIN_DEPTH_MAX = 16;

export interface References extends Disposable {
  readonly backing?: DiskImage;
  readonly backingName?: string;
  readonly dataFile?: ByteFile;
  readonly dataFileName?: string;
}

export interface ReferringImage {
  readonly file: ByteFile;
  readonly header: Header;
  readonly extensions: HeaderExtensions;
  readonly reader: ImageReader;
}

/** Opens the external data file and the backing file that an image names. What was opened is closed again when the other fails. */
export function openReferences(image: ReferringImage, o: OpenOptions): References {
  using opened = new DisposableStack();
  const dataFileName = readDataFileName(image);
  const backingName = o.layers !== undefined && o.depth + 1 >= o.layers ? undefined : readBackingName(image);
  const dataFile = dataFileName === undefined ? undefined : opened.use(openNamed(image.file, dataFileName, o));
  const backing = backingName === undefined ? undefined : opened.use(openBacking(image, backingName, o));
  const kept = opened.move();
  return {
    ...(backing && backingName !== undefined ? { backing, backingName } : {}),
    ...(dataFile && dataFileName !== undefined ? { dataFile, dataFileName } : {}),
    [Symbol.dispose]: () => kept[Symbol.dispose](),
  };
}

function readDataFileName({ file, header, extensions }: ReferringImage): string | undefined {
  if (!hasFeature(header, 'dataFile')) return undefined;
  if (extensions.dataFileName === undefined) {
    throw refuse('image/unsupported', 'its content lies in an external data file that it does not name', {
      format: 'qcow2',
      path: file.path,
      offset: 72,
    });
  }
  return extensions.dataFileName;
}

function readBackingName({ file, header }: ReferringImage): string | undefined {
  if (!header.backingName) return undefined;
  const { offset, length } = header.backingName;
  if (offset + length > file.size) throw malformed(file.path, 'the backing file name lies past the end of the file', 8);
  const bytes = Buffer.alloc(length);
  file.read(offset, bytes);
  return bytes.toString('utf8');
}

function openNamed({ path }: ByteFile, name: string, o: OpenOptions): ByteFile {
  const shown = JSON.stringify(name);
  const refused = (why: string): HyperError => refuse('image/refused-reference', why, { format: 'qcow2', path });
  if (o.references === 'refuse') throw refused(`it refers to the file ${shown}, and images may not name other files unless this is allowed`);
  // QEMU takes everything before a colon as the name of a protocol (json:, nbd:, http:), so a colon never stands in a plain name.
  if (name.includes(':')) throw refused(`it refers to ${shown}, which QEMU takes as a protocol and not as a file`);
  if (followedName([name], o.references) === undefined)
    throw refused(`it refers to ${shown}, and only plain names of files beside the image are followed`);
  if (o.depth >= CHAIN_DEPTH_MAX) throw refused(`it refers to the file ${shown}, which makes a chain of more than ${CHAIN_DEPTH_MAX} images`);
  const file = o.openReference(name);
  if (file.path !== path && !o.chain?.includes(file.path)) return file;
  file[Symbol.dispose]();
  throw refused(`it refers to the file ${shown}, which is in its own chain`);
}

function openBacking(image: ReferringImage, name: string, o: OpenOptions): DiskImage {
  const { path } = image.file;
  const format = backingFormat(image, name, o);
  const file = openNamed(image.file, name, o);
  const below: OpenOptions = { ...o, depth: o.depth + 1, chain: [...(o.chain ?? []), path] };
  try {
    if (format === image.reader.format) return image.reader.open(file, below);
    if (o.openImage) return o.openImage(file, format, below);
    throw refuse('image/unsupported', `its backing file ${JSON.stringify(name)} is a ${format} image, which cannot be opened here`, {
      format: 'qcow2',
      path,
    });
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/** Guessing the format of a backing file lets a guest choose it by what it writes (CVE-2008-2004), so the image must record it. */
function backingFormat({ file, extensions }: ReferringImage, name: string, o: OpenOptions): ImageFormat {
  const recorded = extensions.backingFormat;
  const known = fromQemuName(recorded);
  // Under a policy that opens nothing, the name is what matters: say that first.
  if (known || o.references === 'refuse') return known ?? 'raw';
  const shown = JSON.stringify(name);
  const why =
    recorded === undefined
      ? `it does not record the format of its backing file ${shown}, and formats are not guessed; set it with qemu-img rebase -u -F`
      : `its backing file ${shown} has the format ${JSON.stringify(recorded)}, which is not known`;
  throw refuse('image/unsupported', why, { format: 'qcow2', path: file.path });
}

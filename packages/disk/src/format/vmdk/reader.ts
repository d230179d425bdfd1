import type { ByteFile } from '../../file/byte-file.ts';
import type { ImageReader, OpenOptions } from '../disk-image.ts';
import { COWD_MAGIC } from './cowd-header.ts';
import { DESCRIPTOR_START, parseDescriptor, type Descriptor } from './descriptor.ts';
import type { DiskExtent } from './disk-extent.ts';
import { EmptyExtent } from './empty-extent.ts';
import { openExtent } from './open-extent.ts';
import { openParent } from './open-parent.ts';
import { ParentExtent } from './parent-extent.ts';
import { SE_MAGIC } from './se-sparse-header.ts';
import { readSparseHeader } from './sparse-ends.ts';
import { SPARSE_MAGIC } from './sparse-header.ts';
import { VmdkImage } from './vmdk-image.ts';
import { DESCRIPTOR_SIZE_MAX } from './vmdk-limits.ts';
import { malformed, refusedReference, tooLarge, unsupported } from './vmdk-refusal.ts';

/** Reads VMware virtual disks: sparse, stream-optimized and flat, hosted and of ESX, in one file or several, and deltas over a parent. */
export const vmdkReader = {
  format: 'vmdk',
  probe: (head) => kindOf(head) !== undefined,
  open: openVmdk,
} as const satisfies ImageReader;

function openVmdk(file: ByteFile, o: OpenOptions): VmdkImage {
  const head = new Uint8Array(Math.min(file.size, DESCRIPTOR_START.length));
  file.read(0, head);
  switch (kindOf(head)) {
    case 'sparse':
      return openSparse(file, o);
    case 'descriptor':
      return openDescribed(file, o);
    case 'part':
      throw onlyPart(file);
    case undefined:
      throw malformed('it begins neither with a sparse header nor with a descriptor', { path: file.path, offset: 0 });
  }
}

function kindOf(head: Uint8Array): 'sparse' | 'descriptor' | 'part' | undefined {
  const text = Buffer.from(head.subarray(0, DESCRIPTOR_START.length)).toString('latin1');
  if (text.startsWith(SPARSE_MAGIC)) return 'sparse';
  if (text.startsWith(COWD_MAGIC)) return 'part';
  if (text.length >= 8 && Buffer.from(text, 'latin1').readBigUInt64LE() === SE_MAGIC) return 'part';
  return text.toLowerCase() === DESCRIPTOR_START.toLowerCase() ? 'descriptor' : undefined;
}

const onlyPart = ({ path }: ByteFile): Error =>
  unsupported('it is one extent of a disk whose descriptor is another file; open that one', { path, offset: 0 });

/** A disk in one file, its descriptor inside. */
function openSparse(file: ByteFile, o: OpenOptions): VmdkImage {
  const { path } = file;
  const { header } = readSparseHeader(file);
  if (header.descriptor.length === 0) throw onlyPart(file);
  const text = new Uint8Array(header.descriptor.length);
  file.read(header.descriptor.offset, text);
  const at = { path, offset: header.descriptor.offset };
  const descriptor = parseDescriptor(text, at, o.references);
  const [own, other] = descriptor.extents;
  if (own?.type !== 'SPARSE' || other) throw refusedReference('its descriptor is inside it, yet names extents in other files', at);
  if ((descriptor.createType === 'streamOptimized') !== header.compressed) {
    throw malformed(`its descriptor says ${descriptor.createType}, but its header says ${header.compressed ? 'compressed' : 'not compressed'}`, at);
  }
  return assemble(file, descriptor, { ...o, fileOf: () => file });
}

/** A disk of several files, named by a descriptor that is a file of its own. */
function openDescribed(file: ByteFile, o: OpenOptions): VmdkImage {
  const { path, size } = file;
  if (size > DESCRIPTOR_SIZE_MAX) throw tooLarge(`a descriptor of ${size} bytes is over the limit of ${DESCRIPTOR_SIZE_MAX}`, { path });
  const text = new Uint8Array(size);
  file.read(0, text);
  const descriptor = parseDescriptor(text, { path, offset: 0 }, o.references);
  const first = descriptor.extents.find(({ name }) => name !== undefined);
  if (first && o.references === 'refuse') throw refusedReference(`its content lies in another file, "${first.name}"`, { path });
  return assemble(file, descriptor, { ...o, fileOf: (name) => openOther(file, name, o) });
}

function openOther({ path }: ByteFile, name: string, o: OpenOptions): ByteFile {
  const file = o.openReference(name);
  if (file.path !== path) return file;
  file[Symbol.dispose]();
  throw malformed('its descriptor names itself as an extent', { path });
}

interface Assembly extends OpenOptions {
  /** The file of an extent: the descriptor's own, or another one that is opened for it. */
  readonly fileOf: (name: string) => ByteFile;
}

/** Opens all that a descriptor names. What was opened is closed again when one of them is refused. */
function assemble(file: ByteFile, descriptor: Descriptor, { fileOf, ...o }: Assembly): VmdkImage {
  using opened = new DisposableStack();
  const parent = descriptor.parent && opened.use(openParent(file, descriptor.parent, { ...o, open: openVmdk }));
  let start = 0;
  const extents = descriptor.extents.map((line): DiskExtent => {
    const below = parent ? new ParentExtent(parent, { offset: start, length: line.length }) : new EmptyExtent(line.length, 'hole');
    start += line.length;
    const content = line.name === undefined ? file : fileOf(line.name);
    if (content !== file) opened.use(content);
    return opened.use(openExtent({ line, file: content, below }));
  });
  const image = new VmdkImage({ file, descriptor, extents, parent });
  opened.move();
  return image;
}

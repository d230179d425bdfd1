import { basename } from 'node:path';
import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, ImageReader, OpenOptions } from '../disk-image.ts';
import { DESCRIPTOR_START, parseDescriptor, type Descriptor, type DescriptorExtent } from './descriptor.ts';
import type { DiskExtent } from './disk-extent.ts';
import { FlatExtent } from './flat-extent.ts';
import { SparseExtent } from './sparse-extent.ts';
import { readSparseHeader } from './sparse-ends.ts';
import { SPARSE_MAGIC } from './sparse-header.ts';
import { VmdkImage } from './vmdk-image.ts';
import { DESCRIPTOR_SIZE_MAX } from './vmdk-limits.ts';
import { malformed, refusedReference, tooLarge, unsupported } from './vmdk-refusal.ts';
import { ZeroExtent } from './zero-extent.ts';

/** The sparse format of ESX 2 and 3, which the specification lists as "ESX Server Sparse Extent". */
const COWD_MAGIC = 'COWD';
/** Flat disks have no unit of their own; pages of the file system are the closest thing. */
const FLAT_UNIT_SIZE = 4096;

/** Reads VMware virtual disks: sparse, stream-optimized and flat, in one file or several. */
export const vmdkReader = {
  format: 'vmdk',

  probe: (head) => kindOf(head) !== undefined,

  open(file, o) {
    const head = new Uint8Array(Math.min(file.size, DESCRIPTOR_START.length));
    file.read(0, head);
    switch (kindOf(head)) {
      case 'sparse':
        return openSparse(file);
      case 'descriptor':
        return openDescribed(file, o);
      case 'cowd':
        throw unsupported('it is an ESX 3 sparse extent (COWD)', { path: file.path, offset: 0 });
      case undefined:
        throw malformed('it begins neither with a sparse header nor with a descriptor', { path: file.path, offset: 0 });
    }
  },
} as const satisfies ImageReader;

function kindOf(head: Uint8Array): 'sparse' | 'descriptor' | 'cowd' | undefined {
  const text = Buffer.from(head.subarray(0, DESCRIPTOR_START.length)).toString('latin1');
  if (text.startsWith(SPARSE_MAGIC)) return 'sparse';
  if (text.startsWith(COWD_MAGIC)) return 'cowd';
  return text.toLowerCase() === DESCRIPTOR_START.toLowerCase() ? 'descriptor' : undefined;
}

/** A disk in one file, its descriptor inside. */
function openSparse(file: ByteFile): DiskImage {
  const { path } = file;
  const { header } = readSparseHeader(file);
  if (header.descriptor.length === 0) {
    throw unsupported('it is one extent of a disk whose descriptor is another file; open that one', { path, offset: 0 });
  }
  const text = new Uint8Array(header.descriptor.length);
  file.read(header.descriptor.offset, text);
  const at = { path, offset: header.descriptor.offset };
  const descriptor = parseDescriptor(text, at);
  const [own, other] = descriptor.extents;
  if (own?.type !== 'SPARSE' || other) throw refusedReference('its descriptor is inside it, yet names extents in other files', at);
  if ((descriptor.createType === 'streamOptimized') !== header.compressed) {
    throw malformed(`its descriptor says ${descriptor.createType}, but its header says ${header.compressed ? 'compressed' : 'not compressed'}`, at);
  }
  const extent = SparseExtent.open(file, own.length);
  return new VmdkImage([extent], [file], toInfo(descriptor, [extent], []));
}

/** A disk of several files, named by a descriptor that is a file of its own. */
function openDescribed(file: ByteFile, o: OpenOptions): DiskImage {
  const { path, size } = file;
  if (size > DESCRIPTOR_SIZE_MAX) throw tooLarge(`a descriptor of ${size} bytes is over the limit of ${DESCRIPTOR_SIZE_MAX}`, { path });
  const text = new Uint8Array(size);
  file.read(0, text);
  const descriptor = parseDescriptor(text, { path, offset: 0 });
  const names = descriptor.extents.flatMap(({ name }) => name ?? []);
  const [first] = names;
  if (first !== undefined && o.references === 'refuse') throw refusedReference(`its content lies in another file, "${first}"`, { path });
  if (names.includes(basename(path))) throw malformed('its descriptor names itself as an extent', { path });

  using opened = new DisposableStack();
  const extents = descriptor.extents.map((line): DiskExtent => {
    if (line.name === undefined) return new ZeroExtent(line.length);
    const extent = openExtent(line, opened.use(o.openReference(line.name)));
    return opened.use(extent);
  });
  const info = toInfo(descriptor, extents, names);
  opened.move();
  return new VmdkImage(extents, [file, ...extents.flatMap((extent) => extent.file ?? [])], info);
}

const openExtent = (line: DescriptorExtent, file: ByteFile): DiskExtent =>
  line.type === 'SPARSE' ? SparseExtent.open(file, line.length) : FlatExtent.open(file, { offset: line.fileOffset, length: line.length });

function toInfo(descriptor: Descriptor, extents: readonly DiskExtent[], references: readonly string[]): DiskImage['info'] {
  const headers = extents.flatMap((extent) => (extent instanceof SparseExtent ? extent.header : []));
  return {
    format: 'vmdk',
    subformat: descriptor.createType,
    virtualSize: descriptor.virtualSize,
    unitSize: headers[0]?.grainSize ?? FLAT_UNIT_SIZE,
    ...(headers.some(({ compressed }) => compressed) ? { compression: 'zlib' as const } : {}),
    references,
    snapshotCount: 0,
    details: {
      createType: descriptor.createType,
      contentId: descriptor.contentId,
      extentCount: extents.length,
      ...(descriptor.adapterType === undefined ? {} : { adapterType: descriptor.adapterType }),
      ...(headers[0] ? { headerVersion: headers[0].version, uncleanShutdown: headers.some(({ uncleanShutdown }) => uncleanShutdown) } : {}),
    },
  };
}

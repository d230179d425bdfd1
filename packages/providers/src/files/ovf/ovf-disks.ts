// DSP0243 2.1.1, "References to files" and "DiskSection".
import type { ImageFormat } from '@hypersdk/domain';
import type { XmlElement } from '@hypersdk/wire';
import { quote } from '../report.ts';
import { refuseOvf } from './ovf-refusal.ts';
import { toOvfBytes } from './ovf-units.ts';
import { attribute, child, childrenOf } from './ovf-xml.ts';

/** A virtual disk and the file of the package that holds it. */
export interface OvfDisk {
  readonly id: string;
  /** Bytes. */
  readonly capacity: number;
  /** Name of the file in the package; absent for a disk that is to be made empty. */
  readonly file?: string;
  readonly format?: ImageFormat;
}

/** As many files and disks as a VM can have, with room. */
const REFERENCES_MAX = 512;
const NAME_LENGTH_MAX = 255;

/** What programs write into `ovf:format`. A format that is not known here is told by the bytes. */
const FORMATS: readonly (readonly [pattern: RegExp, format: ImageFormat])[] = [
  [/vmdk/i, 'vmdk'],
  [/qcow/i, 'qcow2'],
  [/LinkId=137171|\bvhd\b/i, 'vhd'],
];

/** The disks by id. Names that lead out of the package, and disks that do not lie in it as they are, are refused. */
export function readOvfDisks(envelope: XmlElement): ReadonlyMap<string, OvfDisk> {
  const files = readFiles(child(envelope, 'References'));
  const disks = new Map<string, OvfDisk>();
  for (const element of childrenOf(child(envelope, 'DiskSection'), 'Disk')) {
    const disk = toDisk(element, files);
    if (disks.has(disk.id)) throw refuseOvf('ovf/duplicate-id', `the disk ${quote(disk.id)} is there twice`);
    if (disks.size >= REFERENCES_MAX) throw refuseOvf('ovf/too-many', `it has more than ${REFERENCES_MAX} disks`);
    disks.set(disk.id, disk);
  }
  return disks;
}

/** Names of the files that make up the package. One that is split has its pieces in the package and none of this name. */
export const readFileNames = (envelope: XmlElement): readonly string[] =>
  childrenOf(child(envelope, 'References'), 'File').flatMap((file) =>
    attribute(file, 'chunkSize') === undefined ? (attribute(file, 'href') ?? []) : [],
  );

/** Names of the files of the package by id. */
function readFiles(references: XmlElement | undefined): ReadonlyMap<string, XmlElement> {
  const files = new Map<string, XmlElement>();
  for (const file of childrenOf(references, 'File')) {
    const id = attribute(file, 'id');
    if (id === undefined) throw refuseOvf('ovf/unknown-reference', 'a file has no id');
    if (files.has(id)) throw refuseOvf('ovf/duplicate-id', `the file ${quote(id)} is there twice`);
    if (files.size >= REFERENCES_MAX) throw refuseOvf('ovf/too-many', `it has more than ${REFERENCES_MAX} files`);
    requirePlain(attribute(file, 'href'));
    files.set(id, file);
  }
  return files;
}

/** A reference is a URI, yet here it can only be the name of a file beside the descriptor. */
function requirePlain(href: string | undefined): void {
  const names = href === undefined ? [''] : namesOf(href);
  const isPlain = names.every(
    (name) => name !== '' && name !== '.' && name !== '..' && name.length <= NAME_LENGTH_MAX && !/[/\\:\p{Cc}]/u.test(name),
  );
  if (!isPlain) throw refuseOvf('ovf/unsafe-reference', `${quote(href ?? '')} is no name of a file beside it`);
}

/** As it stands, and with what is percent-encoded in it decoded: programs differ in whether they encode blanks. */
export function namesOf(href: string): readonly string[] {
  try {
    const decoded = decodeURIComponent(href);
    return decoded === href ? [href] : [href, decoded];
  } catch {
    return [href];
  }
}

function toDisk(element: XmlElement, files: ReadonlyMap<string, XmlElement>): OvfDisk {
  const id = attribute(element, 'diskId');
  if (id === undefined || id === '') throw refuseOvf('ovf/unknown-reference', 'a disk has no id');
  const capacity = toOvfBytes(attribute(element, 'capacity'), attribute(element, 'capacityAllocationUnits') ?? 'byte', `the disk ${quote(id)}`);
  if (attribute(element, 'parentRef') !== undefined)
    throw refuseOvf('ovf/unsupported-disk', `the disk ${quote(id)} holds only what differs from another disk`);
  const fileRef = attribute(element, 'fileRef');
  if (fileRef === undefined || fileRef === '') return { id, capacity };
  const file = files.get(fileRef);
  if (!file) throw refuseOvf('ovf/unknown-reference', `the disk ${quote(id)} lies in the file ${quote(fileRef)}, which is not in the package`);
  requireAsItIs(file, id);
  const name = attribute(file, 'href') ?? '';
  const format = FORMATS.find(([pattern]) => pattern.test(attribute(element, 'format') ?? ''))?.[1];
  return { id, capacity, file: name, ...(format === undefined ? {} : { format }) };
}

/** A disk is read in place, at any offset: that needs its bytes to lie there in one piece and unpacked. */
function requireAsItIs(file: XmlElement, disk: string): void {
  const compression = attribute(file, 'compression') ?? 'identity';
  if (compression !== 'identity')
    throw refuseOvf('ovf/unsupported-disk', `the file of the disk ${quote(disk)} is compressed (${quote(compression)})`);
  if (attribute(file, 'chunkSize') !== undefined)
    throw refuseOvf('ovf/unsupported-disk', `the file of the disk ${quote(disk)} is split into several`);
}

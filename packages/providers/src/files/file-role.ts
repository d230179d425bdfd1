import type { ImageFormat } from '@hypersdk/domain';

/** What a file is in a folder of VMs, by its name alone. */
export type FileRole = 'image' | 'descriptor' | 'other';

/** Endings of image files. A claim that the bytes contradict is refused; where several formats share an ending, the bytes decide. */
const IMAGE_FORMATS: Readonly<Record<string, ImageFormat | 'by-content'>> = {
  raw: 'raw',
  dd: 'raw',
  qcow2: 'qcow2',
  // The first version of qcow has this ending too; it must not be taken for raw.
  qcow: 'qcow2',
  vmdk: 'vmdk',
  vhd: 'vhd',
  vdi: 'vdi',
  vhdx: 'vhdx',
  // A checkpoint of Hyper-V: a differencing disk over the disk before it.
  avhdx: 'vhdx',
  img: 'by-content',
};

const DESCRIPTORS = ['xml', 'vmx', 'ovf', 'ova'];

/** Files that belong to another VMDK: data of its extents, deltas, tracking of changes, device mappings (Virtual Disk Format 5.0). */
const VMDK_PART = /^(.+)-(?:flat|delta|sesparse|ctk|rdmp?|[sf]\d{3})\.vmdk$/i;

/** As 7-Zip and others number them. */
const VOLUME = /\.\d{3}$/;

export function roleOf(name: string): FileRole {
  if (name.startsWith('.')) return 'other';
  // Of an image in volumes the first one stands for all.
  if (Object.hasOwn(IMAGE_FORMATS, endingOf(innerName(name)))) return firstVolumeOf(name) === name || !VOLUME.test(name) ? 'image' : 'other';
  const ending = endingOf(name);
  return DESCRIPTORS.includes(ending) ? 'descriptor' : 'other';
}

/** The format that the name promises; undefined when it promises none. */
export function formatByName(name: string): ImageFormat | undefined {
  const ending = endingOf(innerName(name));
  const format = Object.hasOwn(IMAGE_FORMATS, ending) ? IMAGE_FORMATS[ending] : undefined;
  return format === 'by-content' ? undefined : format;
}

/** The name of the VMDK that this file is a part of; undefined when the name is not that of a part. */
export function vmdkOfPart(name: string): string | undefined {
  const base = VMDK_PART.exec(name)?.[1];
  return base === undefined ? undefined : `${base}.vmdk`;
}

/** The name of the first volume of an image that is split, for any of its volumes; undefined for every other name. */
export const firstVolumeOf = (name: string): string | undefined => (VOLUME.test(name) ? name.replace(VOLUME, '.001') : undefined);

/** Without what encryption (`.age`) and splitting (`.001`) put behind the name of an image. */
export const innerName = (name: string): string => name.replace(VOLUME, '').replace(/\.age$/i, '');

/** The name without its ending. */
export const stemOf = (name: string): string => (name.includes('.') && name.slice(0, name.lastIndexOf('.'))) || name;

export const endingOf = (name: string): string => (name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '');

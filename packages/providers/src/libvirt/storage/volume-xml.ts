// libvirt, "Storage volume XML".
import { HyperError, type VolumeInfo } from '@hypersdk/domain';
import type { VolumeWish } from '@hypersdk/ports';
import { childNamed, parseXml, xml, xmlText, type XmlElement } from '@hypersdk/wire';
import { present, tidyText } from '../../said-fields.ts';

const KINDS: Readonly<Record<string, VolumeInfo['kind']>> = { file: 'file', block: 'block', dir: 'folder', network: 'network', netdir: 'network' };

export function readVolumeXml(text: string, pool: string): VolumeInfo {
  const volume = parseXml(text);
  const [name, path] = [childNamed(volume, 'name')?.text, childNamed(volume, 'target', 'path')?.text];
  const virtualSize = toSize(childNamed(volume, 'capacity'));
  if (volume.name !== 'volume' || !name || virtualSize === undefined)
    throw new HyperError('document/malformed', 'What libvirt sent is not the description of a volume.');
  const backing = childNamed(volume, 'backingStore', 'path')?.text;
  return {
    pool,
    name,
    path: path ?? '',
    kind: KINDS[volume.attributes.get('type') ?? ''] ?? 'unknown',
    virtualSize,
    allocatedSize: toSize(childNamed(volume, 'allocation')) ?? 0,
    ...present({
      format: formatOf(childNamed(volume, 'target')),
      backing: backing ? { path: backing, ...present({ format: formatOf(childNamed(volume, 'backingStore')) }) } : undefined,
    }),
  };
}

/** `backing`: where the volume below lies, and in what format. */
export function toVolumeXml(wish: VolumeWish, backing?: Pick<VolumeInfo, 'path' | 'format'>): string {
  const below = backing ? [xml('backingStore', {}, xml('path', {}, xmlText(backing.path)), xml('format', { type: backing.format ?? 'raw' }))] : [];
  return xml(
    'volume',
    {},
    xml('name', {}, xmlText(wish.name)),
    xml('capacity', { unit: 'bytes' }, String(wish.virtualSize)),
    xml('allocation', { unit: 'bytes' }, wish.allocation === 'preallocated' ? String(wish.virtualSize) : '0'),
    // Version 3 of qcow2 knows zeros, and remembers changes.
    xml('target', {}, xml('format', { type: wish.format }), ...(wish.format === 'qcow2' ? [xml('compat', {}, '1.1')] : [])),
    ...below,
  );
}

const formatOf = (element: XmlElement | undefined): string | undefined => element && tidyText(childNamed(element, 'format')?.attributes.get('type'));

/** libvirt writes sizes in bytes whatever they were given in. */
function toSize(element: XmlElement | undefined): number | undefined {
  const [unit, text] = [element?.attributes.get('unit') ?? 'bytes', element?.text.trim()];
  if (unit !== 'bytes' || text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  const size = BigInt(text);
  return size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : undefined;
}

// The LVM2 project's vgcfgbackup(8) and lib/format_text/export.c: names of sections and fields.
import { damaged } from '../damaged.ts';
import { parseMetadataText, type MetadataSection, type MetadataValue } from './metadata-text.ts';

export interface VolumeGroup {
  readonly name: string;
  readonly id: string;
  /** Bytes of an extent. */
  readonly extentSize: number;
  readonly disks: readonly GroupDisk[];
  readonly volumes: readonly LogicalVolume[];
}

/** A physical volume by the name that segments call it. */
export interface GroupDisk {
  readonly name: string;
  readonly id: string;
  /** Byte at which its first extent begins. */
  readonly start: number;
}

export interface LogicalVolume {
  readonly name: string;
  readonly id: string;
  readonly isVisible: boolean;
  /** Extents in all. */
  readonly extentCount: number;
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly start: number;
  readonly count: number;
  /** `striped`, `thin`, `raid1`, `cache` … */
  readonly type: string;
  /** Where it lies, when it lies in one piece. */
  readonly place?: { readonly disk: string; readonly extent: number };
}

const SECTOR = 512;
/** What LVM allows in a group is more; nobody has them on one disk. */
const VOLUMES_MAX = 4096;

export function parseVolumeGroup(text: string): VolumeGroup {
  const top = parseMetadataText(text);
  const found = [...top].find(([, value]) => isSection(value));
  if (!found || !isSection(found[1])) throw damaged('the LVM metadata describe no group');
  const group = found[1];
  const name = checkName(found[0]);
  const extentSize = countOf(group, 'extent_size') * SECTOR;
  return {
    name,
    id: textOf(group, 'id'),
    extentSize,
    disks: sectionsOf(group, 'physical_volumes').map(([disk, fields]) => ({
      name: disk,
      id: textOf(fields, 'id'),
      start: countOf(fields, 'pe_start') * SECTOR,
    })),
    volumes: sectionsOf(group, 'logical_volumes').map(([volume, fields]) => checkSize(toVolume(volume, fields), extentSize)),
  };
}

function toVolume(name: string, fields: MetadataSection): LogicalVolume {
  const segments = [...fields].flatMap(([section, value]) => (/^segment\d+$/.test(section) && isSection(value) ? [toSegment(value)] : []));
  return {
    name: checkName(name),
    id: textOf(fields, 'id'),
    isVisible: listOf(fields, 'status').includes('VISIBLE'),
    extentCount: segments.reduce((end, { start, count }) => Math.max(end, start + count), 0),
    segments,
  };
}

function checkSize(volume: LogicalVolume, extentSize: number): LogicalVolume {
  const size = volume.extentCount * extentSize;
  if (!Number.isSafeInteger(size)) throw damaged(`the LVM metadata describe a volume of ${size} bytes`);
  return volume;
}

function toSegment(fields: MetadataSection): Segment {
  const type = textOf(fields, 'type');
  const [disk, extent] = listOf(fields, 'stripes');
  const isLinear = type === 'striped' && fields.get('stripe_count') === 1 && typeof disk === 'string' && isCount(extent);
  return { start: countOf(fields, 'start_extent'), count: countOf(fields, 'extent_count'), type, ...(isLinear ? { place: { disk, extent } } : {}) };
}

/** lvm(8), "VALID NAMES". */
const NAME_LENGTH_MAX = 127;
/** Identifiers, and the names of kinds of segments. */
const TEXT_LENGTH_MAX = 64;

function checkName(name: string): string {
  if (name.length > NAME_LENGTH_MAX) throw damaged(`a name in the LVM metadata has ${name.length} letters`);
  return name;
}

const isSection = (value: MetadataValue | undefined): value is MetadataSection => value instanceof Map;

function sectionsOf(fields: MetadataSection, name: string): readonly (readonly [string, MetadataSection])[] {
  const section = fields.get(name);
  const all = isSection(section) ? [...section] : [];
  if (all.length > VOLUMES_MAX) throw damaged(`the LVM metadata list ${all.length} ${name}`);
  return all.flatMap(([key, value]) => (isSection(value) ? [[key, value] as const] : []));
}

function textOf(fields: MetadataSection, name: string): string {
  const value = fields.get(name);
  if (typeof value !== 'string' || value.length > TEXT_LENGTH_MAX) throw damaged(`${name} is missing or too long in the LVM metadata`);
  return value;
}

const isCount = (value: MetadataValue | undefined): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function countOf(fields: MetadataSection, name: string): number {
  const value = fields.get(name);
  if (!isCount(value)) throw damaged(`${name} in the LVM metadata is not a count`);
  return value;
}

function listOf(fields: MetadataSection, name: string): readonly (string | number)[] {
  const value = fields.get(name);
  return Array.isArray(value) ? value : [];
}

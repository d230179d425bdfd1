// Virtual Disk Format 5.0, "The Descriptor File" and "The Disk Database".
import { GIB } from '@hypersdk/domain';
import { diskExtents } from './extent-files.ts';
import { SECTOR_SIZE } from './vmdk-limits.ts';
import { isFlat, type VmdkPlan } from './vmdk-plan.ts';

/** Room reserved for an embedded descriptor, as other programs reserve it: 20 sectors from the second on. */
export const EMBEDDED_DESCRIPTOR = { offset: SECTOR_SIZE, length: 20 * SECTOR_SIZE } as const;

/** What the specification gives a disk that was never opened for writing. A fixed value, so that equal disks make equal files. */
const CONTENT_ID_NEW = 'fffffffe';

/** An embedded descriptor names the file it is in. Files get renamed, no reader looks, and a fixed name keeps equal disks equal. */
const OWN_NAME = 'disk.vmdk';

/** The embedded descriptor of a disk, padded to its room. */
export function encodeDescriptor(plan: VmdkPlan): Uint8Array {
  const access = plan.subformat === 'streamOptimized' ? 'RDONLY' : 'RW';
  const bytes = new Uint8Array(EMBEDDED_DESCRIPTOR.length);
  bytes.set(encodeText(plan, [`${access} ${plan.virtualSize / SECTOR_SIZE} SPARSE "${OWN_NAME}"`]));
  return bytes;
}

/** The descriptor of a disk of several files, whose extents have these names. */
export function encodeSetDescriptor(plan: VmdkPlan, names: readonly string[]): Uint8Array {
  const extents = diskExtents(plan).map(({ length }, index) => {
    const line = `RW ${length / SECTOR_SIZE} ${isFlat(plan) ? 'FLAT' : 'SPARSE'} "${names[index]}"`;
    return isFlat(plan) ? `${line} 0` : line;
  });
  return encodeText(plan, extents);
}

function encodeText({ subformat, virtualSize }: VmdkPlan, extents: readonly string[]): Uint8Array {
  const { cylinders, heads, sectorsPerTrack } = toGeometry(virtualSize / SECTOR_SIZE);
  const lines = [
    '# Disk DescriptorFile',
    'version=1',
    `CID=${CONTENT_ID_NEW}`,
    'parentCID=ffffffff',
    `createType="${subformat}"`,
    '',
    '# Extent description',
    ...extents,
    '',
    '# The Disk Data Base',
    '#DDB',
    '',
    'ddb.adapterType = "lsilogic"',
    `ddb.geometry.cylinders = "${cylinders}"`,
    `ddb.geometry.heads = "${heads}"`,
    `ddb.geometry.sectors = "${sectorsPerTrack}"`,
    'ddb.virtualHWVersion = "4"',
    '',
  ];
  return Buffer.from(lines.join('\n'), 'latin1');
}

/** The geometry that VMware's SCSI controllers report for a disk of that size. */
function toGeometry(sectors: number): { readonly cylinders: number; readonly heads: number; readonly sectorsPerTrack: number } {
  const size = sectors * SECTOR_SIZE;
  const [heads, sectorsPerTrack] = size < GIB ? [64, 32] : size < 2 * GIB ? [128, 32] : [255, 63];
  return { cylinders: Math.max(1, Math.floor(sectors / (heads * sectorsPerTrack))), heads, sectorsPerTrack };
}

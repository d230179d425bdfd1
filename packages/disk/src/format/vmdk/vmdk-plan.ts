import { formatBytes, HyperError, roundUp } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { ImagePlan } from '../image-writer.ts';
import { settingInWords } from '../setting-in-words.ts';
import { DESCRIPTOR_EXTENTS_MAX, SECTOR_SIZE, SPLIT_EXTENT_SIZE, TABLE_ENTRIES, VIRTUAL_SIZE_MAX } from './vmdk-limits.ts';

/** Kinds of disks that lie in one file. */
export const vmdkContainers = ['monolithicSparse', 'streamOptimized'] as const;
/** Kinds of disks whose descriptor is a file of its own. */
const vmdkSets = ['twoGbMaxExtentSparse', 'twoGbMaxExtentFlat', 'monolithicFlat'] as const;
const vmdkSubformats = [...vmdkContainers, ...vmdkSets] as const;
export type VmdkSubformat = (typeof vmdkSubformats)[number];

export interface VmdkPlan extends ImagePlan {
  readonly subformat: VmdkSubformat;
  readonly compressionLevel: number;
  /** Of flat disks. */
  readonly preallocation?: 'off' | 'falloc' | 'full';
}

export const isFlat = ({ subformat }: Pick<VmdkPlan, 'subformat'>): boolean => subformat === 'twoGbMaxExtentFlat' || subformat === 'monolithicFlat';

/** What every VMware product makes and reads. */
export const WRITTEN_GRAIN_SIZE = 64 * 1024;

/** Bytes of disk that a written grain table covers. */
export const WRITTEN_TABLE_SPAN = WRITTEN_GRAIN_SIZE * TABLE_ENTRIES;

/** Within 2 % of the size that level 6 reaches, at one and a half times its speed. */
const LEVEL_DEFAULT = 3;
/** Levels that every zlib has. */
const LEVEL_MAX = 9;

/** Settings that belong to other formats. */
const FOREIGN = [
  'clusterSize',
  'refcountBits',
  'lazyRefcounts',
  'extendedL2',
  'compatVersion',
  'sectorSize',
] as const satisfies readonly (keyof ImageSettings)[];

/** Fixes every free choice for a VMDK. The size is rounded up to a sector, as the format counts in sectors. */
export function planVmdk(virtualSize: number, settings: ImageSettings): VmdkPlan {
  const subformat = parseSubformat(settings.subformat ?? defaultSubformat(settings));
  const foreign = FOREIGN.find((name) => settings[name] !== undefined);
  if (foreign) throw invalid(`${settingInWords(foreign)} is not a setting of VMDK images`);
  const { preallocation = 'off' } = settings;
  if (preallocation === 'metadata' || (preallocation !== 'off' && !isFlat({ subformat })))
    throw invalid(`preallocation ${preallocation} is not possible for a ${subformat} VMDK`);

  const compression = subformat === 'streamOptimized' ? 'zlib' : 'none';
  if (settings.compression !== undefined && settings.compression !== compression)
    throw invalid(`a ${subformat} VMDK has compression ${compression}, not ${settings.compression}`);
  if (settings.compressionLevel !== undefined && compression === 'none')
    throw invalid(`a ${subformat} VMDK is not compressed, so it has no compression level`);
  const compressionLevel = settings.compressionLevel ?? LEVEL_DEFAULT;
  if (!Number.isInteger(compressionLevel) || compressionLevel < 1 || compressionLevel > LEVEL_MAX)
    throw invalid(`compressionLevel ${compressionLevel} is not between 1 and ${LEVEL_MAX}`);

  if (!Number.isSafeInteger(virtualSize) || virtualSize <= 0) throw invalid('a VMDK needs a size above 0');
  if (virtualSize > VIRTUAL_SIZE_MAX)
    throw invalid(`a disk of ${formatBytes(virtualSize)} is larger than the ${formatBytes(VIRTUAL_SIZE_MAX)} written to a VMDK`);
  const plan = { virtualSize: roundUp(virtualSize, SECTOR_SIZE), unitSize: WRITTEN_GRAIN_SIZE, subformat, compressionLevel };
  checkExtents(plan);
  return isFlat(plan) ? { ...plan, placement: 'identity', preallocation } : { ...plan, placement: 'assigned' };
}

/** More extents than are read would be no use to anybody. */
function checkExtents(plan: Pick<VmdkPlan, 'virtualSize' | 'subformat'>): void {
  const { subformat, virtualSize } = plan;
  if (subformat !== 'twoGbMaxExtentSparse' && subformat !== 'twoGbMaxExtentFlat') return;
  const most = DESCRIPTOR_EXTENTS_MAX * SPLIT_EXTENT_SIZE;
  if (virtualSize > most)
    throw invalid(
      `a disk of ${formatBytes(virtualSize)} has more than the ${DESCRIPTOR_EXTENTS_MAX} extents of a ${subformat} VMDK, which hold ${formatBytes(most)}`,
    );
}

const defaultSubformat = (settings: ImageSettings): VmdkSubformat => (settings.compression === 'zlib' ? 'streamOptimized' : 'monolithicSparse');

function parseSubformat(text: string): VmdkSubformat {
  const found = vmdkSubformats.find((subformat) => subformat === text);
  if (!found) throw invalid(`subformat ${text} is not one of ${vmdkSubformats.join(', ')}`);
  return found;
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `This VMDK cannot be made: ${why}.`, { detail: { format: 'vmdk' } });

import { formatBytes, HyperError, KIB, MIB, roundUp } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { ImagePlan } from '../image-writer.ts';
import { settingInWords } from '../setting-in-words.ts';
import { SECTOR_SIZE, VIRTUAL_SIZE_MAX } from './vhd-limits.ts';

/** `azure` is a fixed disk of whole mebibytes: Azure takes no other ones. */
const vhdSubformats = ['dynamic', 'fixed', 'azure'] as const;

export interface VhdPlan extends ImagePlan {
  readonly kind: 'dynamic' | 'fixed';
  /** 0 in a fixed disk. */
  readonly blockSize: number;
  readonly preallocation: 'off' | 'falloc' | 'full';
}

/** The specification's default, and what Hyper-V makes. */
const BLOCK_SIZE_USUAL = 2 * MIB;
/** Smaller ones would not let the largest disk fit into the 2 TiB that the table reaches; larger ones no program makes. */
const BLOCK_SIZES: readonly number[] = [512 * KIB, MIB, 2 * MIB];
/** Zeros shorter than this are stored. A block has a bit for each sector, so this is ours to choose: finer holes cost more extents than they save blocks. */
const UNIT_SIZE = 64 * KIB;

/** Settings that belong to other formats. */
const FOREIGN = [
  'refcountBits',
  'lazyRefcounts',
  'extendedL2',
  'compatVersion',
  'sectorSize',
  'compressionLevel',
] as const satisfies readonly (keyof ImageSettings)[];

/** Fixes every free choice for a VHD. The size is rounded up to a sector, as the format counts in sectors. */
export function planVhd(virtualSize: number, settings: ImageSettings): VhdPlan {
  const subformat = vhdSubformats.find((each) => each === (settings.subformat ?? 'dynamic'));
  if (!subformat) throw invalid(`subformat ${settings.subformat} is not one of ${vhdSubformats.join(', ')}`);
  const foreign = FOREIGN.find((name) => settings[name] !== undefined);
  if (foreign) throw invalid(`${settingInWords(foreign)} is not a setting of VHD images`);
  if (settings.compression !== undefined && settings.compression !== 'none') throw invalid('the format knows no compression');
  if (!Number.isSafeInteger(virtualSize) || virtualSize <= 0) throw invalid('a VHD needs a size above 0');
  const size = roundUp(virtualSize, subformat === 'azure' ? MIB : SECTOR_SIZE);
  if (size > VIRTUAL_SIZE_MAX) throw invalid(`a disk of ${formatBytes(size)} is larger than the ${formatBytes(VIRTUAL_SIZE_MAX)} of the format`);
  return subformat === 'dynamic' ? planDynamic(size, settings) : planFixed(size, settings);
}

function planDynamic(virtualSize: number, { clusterSize: blockSize = BLOCK_SIZE_USUAL, preallocation = 'off' }: ImageSettings): VhdPlan {
  if (!BLOCK_SIZES.includes(blockSize)) throw invalid(`blocks have ${BLOCK_SIZES.join(', ')} bytes, not ${blockSize}`);
  if (preallocation !== 'off') throw invalid(`preallocation ${preallocation} is for fixed disks`);
  return { virtualSize, unitSize: UNIT_SIZE, placement: 'assigned', kind: 'dynamic', blockSize, preallocation };
}

function planFixed(virtualSize: number, { clusterSize, preallocation = 'off' }: ImageSettings): VhdPlan {
  if (clusterSize !== undefined) throw invalid('a fixed disk has no blocks, so it has no cluster size');
  if (preallocation === 'metadata') throw invalid('a fixed disk has no metadata to preallocate');
  return { virtualSize, unitSize: UNIT_SIZE, placement: 'identity', kind: 'fixed', blockSize: 0, preallocation };
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `This VHD cannot be made: ${why}.`, { detail: { format: 'vhd' } });

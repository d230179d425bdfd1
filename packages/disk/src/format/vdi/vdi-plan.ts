import { formatBytes, HyperError, KIB, MIB, roundUp } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { ImagePlan } from '../image-writer.ts';
import { settingInWords } from '../setting-in-words.ts';
import { SECTOR_SIZE, VIRTUAL_SIZE_MAX } from './vdi-limits.ts';

const vdiSubformats = ['dynamic', 'static'] as const;

export interface VdiPlan extends ImagePlan {
  readonly placement: 'assigned';
  readonly kind: (typeof vdiSubformats)[number];
  readonly preallocation: 'off' | 'falloc' | 'full';
}

/** The only size that QEMU reads, and VirtualBox's own. */
export const WRITTEN_BLOCK_SIZE = MIB;
/** Zeros shorter than this are stored; longer ones inside a block are left a hole of the file. */
const UNIT_SIZE = 64 * KIB;

/** Settings that belong to other formats. */
const FOREIGN = [
  'clusterSize',
  'refcountBits',
  'lazyRefcounts',
  'extendedL2',
  'compatVersion',
  'sectorSize',
  'compressionLevel',
] as const satisfies readonly (keyof ImageSettings)[];

/** Fixes every free choice for a VDI. The size is rounded up to a sector. */
export function planVdi(virtualSize: number, settings: ImageSettings): VdiPlan {
  const { subformat = 'dynamic', preallocation = 'off', compression } = settings;
  const kind = vdiSubformats.find((each) => each === subformat);
  if (!kind) throw invalid(`subformat ${subformat} is not one of ${vdiSubformats.join(', ')}`);
  const foreign = FOREIGN.find((name) => settings[name] !== undefined);
  if (foreign) throw invalid(`${settingInWords(foreign)} is not a setting of VDI images`);
  if (compression !== undefined && compression !== 'none') throw invalid('the format knows no compression');
  if (preallocation === 'metadata') throw invalid('a VDI has no metadata to preallocate');
  if (preallocation !== 'off' && kind === 'dynamic') throw invalid(`preallocation ${preallocation} is for static disks`);
  if (!Number.isSafeInteger(virtualSize) || virtualSize <= 0) throw invalid('a VDI needs a size above 0');
  if (virtualSize > VIRTUAL_SIZE_MAX)
    throw invalid(`a disk of ${formatBytes(virtualSize)} is larger than the ${formatBytes(VIRTUAL_SIZE_MAX)} written to a VDI`);
  return { virtualSize: roundUp(virtualSize, SECTOR_SIZE), unitSize: UNIT_SIZE, placement: 'assigned', kind, preallocation };
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `This VDI cannot be made: ${why}.`, { detail: { format: 'vdi' } });

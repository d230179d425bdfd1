import { formatBytes, HyperError, KIB, MIB, roundUp, type ByteRange } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { ImagePlan } from '../image-writer.ts';
import { settingInWords } from '../setting-in-words.ts';
import { ENTRY_SIZE, tableShape, type TableShape } from './table-entry.ts';
import { ALIGNMENT, BLOCK_SIZE_MAX, BLOCK_SIZE_MIN, SECTOR_SIZES, VIRTUAL_SIZE_MAX } from './vhdx-limits.ts';

const vhdxSubformats = ['dynamic', 'fixed'] as const;
export type VhdxSubformat = (typeof vhdxSubformats)[number];

export interface VhdxPlan extends ImagePlan {
  readonly placement: 'assigned';
  readonly subformat: VhdxSubformat;
  readonly blockSize: number;
  readonly sectorSize: number;
  readonly preallocation: 'off' | 'falloc' | 'full';
}

/** Zeros shorter than this are stored inside a block; finer holes cost more extents of the file than they save. */
export const WRITTEN_UNIT_SIZE = 64 * KIB;
/** What Hyper-V chooses. */
const BLOCK_SIZE_USUAL = 32 * MIB;
const SECTOR_SIZE_USUAL = 512;

/** Settings that belong to other formats. */
const FOREIGN = [
  'compressionLevel',
  'refcountBits',
  'lazyRefcounts',
  'extendedL2',
  'compatVersion',
] as const satisfies readonly (keyof ImageSettings)[];

/** Fixes every free choice for a VHDX. The size is rounded up to a sector, as the format asks for. */
export function planVhdx(virtualSize: number, settings: ImageSettings): VhdxPlan {
  const subformat = parseSubformat(settings.subformat ?? 'dynamic');
  const { clusterSize: blockSize = BLOCK_SIZE_USUAL, sectorSize = SECTOR_SIZE_USUAL, preallocation = 'off' } = settings;
  const foreign = FOREIGN.find((name) => settings[name] !== undefined);
  if (foreign) throw invalid(`${settingInWords(foreign)} is not a setting of VHDX images`);
  if (settings.compression !== undefined && settings.compression !== 'none') throw invalid('the format knows no compression');
  if (blockSize < BLOCK_SIZE_MIN || blockSize > BLOCK_SIZE_MAX || !Number.isInteger(Math.log2(blockSize)))
    throw invalid(`a block size of ${blockSize} bytes is not a power of two from ${formatBytes(BLOCK_SIZE_MIN)} to ${formatBytes(BLOCK_SIZE_MAX)}`);
  if (!SECTOR_SIZES.includes(sectorSize)) throw invalid(`sectors have ${SECTOR_SIZES.join(' or ')} bytes, not ${sectorSize}`);
  if (preallocation === 'metadata' || (preallocation !== 'off' && subformat !== 'fixed'))
    throw invalid(`preallocation ${preallocation} is not possible for a ${subformat} VHDX`);
  if (!Number.isSafeInteger(virtualSize) || virtualSize <= 0) throw invalid('a VHDX needs a size above 0');
  if (virtualSize > VIRTUAL_SIZE_MAX)
    throw invalid(`a disk of ${formatBytes(virtualSize)} is larger than the ${formatBytes(VIRTUAL_SIZE_MAX)} of the format`);
  return {
    virtualSize: roundUp(virtualSize, sectorSize),
    unitSize: WRITTEN_UNIT_SIZE,
    placement: 'assigned',
    subformat,
    blockSize,
    sectorSize,
    preallocation,
  };
}

function parseSubformat(text: string): VhdxSubformat {
  const found = vhdxSubformats.find((subformat) => subformat === text);
  if (!found) throw invalid(`subformat ${text} is not one of ${vhdxSubformats.join(', ')}`);
  return found;
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `This VHDX cannot be made: ${why}.`, { detail: { format: 'vhdx' } });

/** What follows from a plan: where everything lies in the file. */
export interface VhdxPlaces {
  readonly log: ByteRange;
  readonly metadata: ByteRange;
  readonly blockTable: ByteRange;
  readonly shape: TableShape;
  /** Where blocks begin. */
  readonly blocks: number;
}

export function placesOf(plan: VhdxPlan): VhdxPlaces {
  const shape = tableShape({ ...plan, hasParent: false });
  const log = { offset: ALIGNMENT, length: ALIGNMENT };
  const metadata = { offset: 2 * ALIGNMENT, length: ALIGNMENT };
  const blockTable = { offset: 3 * ALIGNMENT, length: roundUp(shape.entryCount * ENTRY_SIZE, ALIGNMENT) };
  return { log, metadata, blockTable, shape, blocks: blockTable.offset + blockTable.length };
}

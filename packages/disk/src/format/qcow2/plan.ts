import { HyperError, KIB, LEAF_SIZE, MIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { codecLevels } from '../../native/codec-level.ts';
import type { ImagePlan } from '../image-writer.ts';
import { SUBCLUSTERS } from './cluster-map.ts';
import { CLUSTER_BITS_MAX, CLUSTER_BITS_MIN, EXTENDED_L2_BITS_MIN, L1_SIZE_MAX, REFCOUNT_TABLE_SIZE_MAX, VIRTUAL_SIZE_MAX } from './header.ts';

/** Every choice about an image to be written. */
export interface Qcow2Plan extends ImagePlan {
  readonly placement: 'assigned';
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly refcountBits: number;
  readonly lazyRefcounts: boolean;
  readonly extendedL2: boolean;
  readonly compression: 'none' | 'zlib' | 'zstd';
  readonly compressionLevel: number;
  readonly preallocation: 'off' | 'metadata' | 'falloc' | 'full';
  readonly backing?: NonNullable<ImageSettings['backing']>;
}

/** What follows from a plan: sizes and counts of the tables, and where the fixed ones lie. Offsets and sizes are bytes. */
export interface Geometry {
  readonly clusterSize: number;
  /** The disk size in the header: QEMU counts whole sectors, so an odd size is rounded up. */
  readonly recordedSize: number;
  readonly clusterCount: number;
  readonly clustersPerLeaf: number;
  readonly leafCount: number;
  readonly unitsPerCluster: number;
  readonly entrySize: number;
  readonly entriesPerTable: number;
  readonly l1Offset: number;
  readonly l1Count: number;
  readonly refcountTableOffset: number;
  /** The refcount table is given room for the largest file that the plan can make, so that it never moves. */
  readonly refcountTableSize: number;
  readonly blockEntries: number;
  /** Where header, L1 and refcount table end, and everything else begins. */
  readonly streamStart: number;
  /** No file of this plan becomes larger. */
  readonly fileSizeMax: number;
}

const SECTOR_SIZE = 512;
const CLUSTER_SIZE_USUAL = 64 * KIB;
/** "Header": backing_file_size. */
const BACKING_NAME_MAX = 1023;
/** So that header, extensions and the longest name have room in the first cluster. */
const OVERLAY_CLUSTER_SIZE_MIN = 4 * KIB;
const REFCOUNT_WIDTHS: readonly number[] = [1, 2, 4, 8, 16, 32, 64];

export function planQcow2(virtualSize: number, settings: ImageSettings): Qcow2Plan {
  const { clusterSize = CLUSTER_SIZE_USUAL, refcountBits = 16, compatVersion: version = 3, compression = 'none', preallocation = 'off' } = settings;
  const { lazyRefcounts = false, extendedL2 = false } = settings;
  const clusterBits = Math.log2(clusterSize);
  if (!Number.isInteger(clusterBits) || clusterBits < CLUSTER_BITS_MIN || clusterBits > CLUSTER_BITS_MAX) {
    throw invalid(`a cluster size of ${clusterSize} bytes is not a power of two from ${2 ** CLUSTER_BITS_MIN} to ${2 * MIB}`);
  }
  if (!REFCOUNT_WIDTHS.includes(refcountBits)) throw invalid(`refcounts have ${REFCOUNT_WIDTHS.join(', ')} bits, not ${refcountBits}`);
  if (settings.subformat !== undefined) throw invalid('qcow2 has no subformats');
  if (settings.sectorSize !== undefined) throw invalid('qcow2 does not record the size of sectors');
  if (version === 2) refuseForVersion2(settings);
  if (extendedL2 && clusterBits < EXTENDED_L2_BITS_MIN)
    throw invalid(`extended L2 entries need clusters of at least ${2 ** EXTENDED_L2_BITS_MIN} bytes`);
  if (compression !== 'none' && preallocation !== 'off') throw invalid('a compressed image cannot be preallocated');
  if (settings.backing) refuseForOverlay(settings, clusterSize);
  const plan: Qcow2Plan = {
    virtualSize,
    unitSize: extendedL2 && compression === 'none' ? clusterSize / SUBCLUSTERS : clusterSize,
    placement: 'assigned',
    version,
    clusterBits,
    refcountBits,
    lazyRefcounts,
    extendedL2,
    compression,
    compressionLevel: planLevel(compression, settings.compressionLevel),
    preallocation,
    ...(settings.backing ? { backing: settings.backing } : {}),
  };
  refuseOversize(plan);
  return plan;
}

function refuseForVersion2(settings: ImageSettings): void {
  if ((settings.refcountBits ?? 16) !== 16) throw invalid('version 2 knows only refcounts of 16 bits');
  if (settings.lazyRefcounts) throw invalid('version 2 knows no lazy refcounts');
  if (settings.extendedL2) throw invalid('version 2 knows no extended L2 entries');
  if (settings.compression === 'zstd') throw invalid('version 2 knows no zstd compression');
}

/** "Cluster mapping": zeros over a parent's data need version 3; sub-clusters and preallocation would need more than the writer can say of a cluster. */
function refuseForOverlay({ backing, compatVersion, extendedL2, preallocation = 'off' }: ImageSettings, clusterSize: number): void {
  if (compatVersion === 2) throw invalid('version 2 cannot say that what lies below is zero now');
  if (extendedL2) throw invalid('an overlay is written without extended L2 entries');
  if (preallocation !== 'off') throw invalid('a preallocated image would hide what it lies on');
  if (clusterSize < OVERLAY_CLUSTER_SIZE_MIN) throw invalid(`an overlay needs clusters of at least ${OVERLAY_CLUSTER_SIZE_MIN} bytes`);
  const length = Buffer.byteLength(backing?.name ?? '');
  if (length === 0 || length > BACKING_NAME_MAX) throw invalid(`the name of what it lies on has ${length} bytes`);
}

function planLevel(compression: Qcow2Plan['compression'], wanted: number | undefined): number {
  if (compression === 'none') {
    if (wanted !== undefined) throw invalid('a compression level needs a compression');
    return 0;
  }
  const { min, max, usual } = codecLevels[compression];
  const level = wanted ?? usual;
  if (!Number.isInteger(level) || level < min || level > max) throw invalid(`${compression} has the levels ${min} to ${max}, not ${level}`);
  return level;
}

function refuseOversize(plan: Qcow2Plan): void {
  if (plan.virtualSize > VIRTUAL_SIZE_MAX) throw invalid(`a disk of ${plan.virtualSize} bytes is above the limit of ${VIRTUAL_SIZE_MAX}`);
  const { clusterSize, l1Count, refcountTableSize } = geometryOf(plan);
  if (l1Count * 8 > L1_SIZE_MAX || refcountTableSize > REFCOUNT_TABLE_SIZE_MAX) {
    throw invalid(
      `clusters of ${clusterSize} bytes${plan.refcountBits > 16 ? ` with refcounts of ${plan.refcountBits} bits` : ''} are too small for a disk of ${plan.virtualSize} bytes`,
    );
  }
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `The qcow2 image cannot be made: ${why}.`);

export function geometryOf(plan: Qcow2Plan): Geometry {
  const clusterSize = 2 ** plan.clusterBits;
  const clusterCount = Math.ceil(plan.virtualSize / clusterSize);
  const entrySize = plan.extendedL2 ? 16 : 8;
  const entriesPerTable = clusterSize / entrySize;
  const tableCount = Math.ceil(clusterCount / entriesPerTable);
  const l1Count = Math.max(1, tableCount);
  const l1Size = Math.ceil((l1Count * 8) / clusterSize) * clusterSize;
  const blockEntries = (clusterSize * 8) / plan.refcountBits;
  const refcounts = sizeRefcounts({ clusterSize, blockEntries, others: 1 + l1Size / clusterSize + tableCount + clusterCount });
  return {
    clusterSize,
    recordedSize: Math.ceil(plan.virtualSize / SECTOR_SIZE) * SECTOR_SIZE,
    clusterCount,
    clustersPerLeaf: LEAF_SIZE / clusterSize,
    leafCount: Math.ceil(plan.virtualSize / LEAF_SIZE),
    unitsPerCluster: clusterSize / plan.unitSize,
    entrySize,
    entriesPerTable,
    l1Offset: clusterSize,
    l1Count,
    refcountTableOffset: clusterSize + l1Size,
    refcountTableSize: refcounts.tableSize,
    blockEntries,
    streamStart: clusterSize + l1Size + refcounts.tableSize,
    fileSizeMax: refcounts.clusterCount * clusterSize,
  };
}

/** Refcounts count their own clusters too; each round adds less than the last, and few are needed. */
function sizeRefcounts({
  clusterSize,
  blockEntries,
  others,
}: {
  readonly clusterSize: number;
  readonly blockEntries: number;
  readonly others: number;
}): {
  readonly tableSize: number;
  readonly clusterCount: number;
} {
  let blocks = 0;
  let tableClusters = 0;
  for (;;) {
    const clusterCount = others + blocks + tableClusters;
    const blocksNeeded = Math.ceil(clusterCount / blockEntries);
    const tableNeeded = Math.ceil((blocksNeeded * 8) / clusterSize);
    if (blocksNeeded <= blocks && tableNeeded <= tableClusters) return { tableSize: tableClusters * clusterSize, clusterCount };
    blocks = Math.max(blocks, blocksNeeded);
    tableClusters = Math.max(tableClusters, tableNeeded);
  }
}

// Microsoft FAT32 File System Specification 1.03, "FAT Type Determination" and "FAT Volume Initialization".
import { formatBytes, HyperError, MIB, roundUp } from '@hypersdk/domain';

export const SECTOR_SIZE = 512;
/** What format programs leave before the first FAT of a FAT32 volume. */
export const RESERVED_SECTORS = 32;
export const FAT_COUNT = 2;
/** Bytes of one entry of the file allocation table. */
export const FAT_ENTRY_SIZE = 4;
/** Clusters are numbered from 2; the first two entries of the table mean something else. */
export const FIRST_CLUSTER = 2;

/** Fewer clusters than this make a volume FAT16, whatever else it says. */
const CLUSTERS_MIN = 65_525;
/** Clusters of 4 KiB serve up to here; larger volumes would need another line of the specification's table. */
const VOLUME_SIZE_MAX = 8192 * MIB;
/** Up to here a cluster is one sector. */
const SMALL_VOLUME_SIZE = 260 * MIB;

/** Where the parts of a volume lie. Sectors and clusters are the format's own units; sizes are bytes. */
export interface Geometry {
  readonly sectorCount: number;
  readonly sectorsPerCluster: number;
  readonly clusterSize: number;
  readonly sectorsPerFat: number;
  readonly clusterCount: number;
  /** Bytes from the start of the volume to cluster 2. */
  readonly clustersOffset: number;
}

export function planGeometry(volumeSize: number): Geometry {
  if (volumeSize > VOLUME_SIZE_MAX) throw unfit(volumeSize, `more than ${formatBytes(VOLUME_SIZE_MAX)}`);
  const sectorCount = Math.floor(volumeSize / SECTOR_SIZE);
  const sectorsPerCluster = volumeSize <= SMALL_VOLUME_SIZE ? 1 : 8;
  // The specification's formula: it may come out some sectors too large, never too small. Rounded to 4 KiB, so that clusters begin on such a border too.
  const sectorsPerFat = roundUp(Math.ceil((sectorCount - RESERVED_SECTORS) / ((256 * sectorsPerCluster + FAT_COUNT) / 2)), 8);
  const firstSector = RESERVED_SECTORS + FAT_COUNT * sectorsPerFat;
  const clusterCount = Math.floor((sectorCount - firstSector) / sectorsPerCluster);
  if (clusterCount < CLUSTERS_MIN) throw unfit(volumeSize, `fewer than ${CLUSTERS_MIN} clusters`);
  const clusterSize = sectorsPerCluster * SECTOR_SIZE;
  return { sectorCount, sectorsPerCluster, clusterSize, sectorsPerFat, clusterCount, clustersOffset: firstSector * SECTOR_SIZE };
}

/** Bytes from the start of the volume to a cluster. */
export const offsetOfCluster = (geometry: Geometry, cluster: number): number =>
  geometry.clustersOffset + (cluster - FIRST_CLUSTER) * geometry.clusterSize;

const unfit = (size: number, why: string): HyperError => new HyperError('usage/invalid', `${formatBytes(size)} do not make a FAT32 volume: ${why}.`);

// "FAT: General Overview of On-Disk Format" 1.03 (Microsoft, 2000). All fields are little-endian.
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import { openFatFiles, readFatLabel, type FatGeometry } from '../files/fat-files.ts';
import type { Span } from '../span.ts';
import { checkFits, describe, readIfThere, type Recognised } from './recognised.ts';

const BOOT_SECTOR = { offset: 0, length: 512 } as const;
const FIELD = {
  sectorSize: 11,
  clusterSectors: 13,
  reservedSectors: 14,
  tables: 16,
  rootEntries: 17,
  sectors16: 19,
  media: 21,
  tableSectors16: 22,
  sectors32: 32,
  tableSectors32: 36,
  rootCluster: 44,
  signature: 510,
} as const;
/** The extended part begins later in FAT32: drive state, 0x29, serial, label. */
const EXTENDED = { fat16: 37, fat32: 65 } as const;
const EXTENDED_MARK = 0x29;
const ENTRY_SIZE = 32;
/** "FAT Type Determination": the count of clusters alone decides. */
const FAT12_CLUSTERS_MAX = 4084;
const FAT16_CLUSTERS_MAX = 65_524;

export function recogniseFat(span: Span): Recognised | undefined {
  const boot = readIfThere(span, BOOT_SECTOR, 'FAT boot sector');
  if (!boot || !looksLikeFat(boot)) return undefined;
  const geometry = toGeometry(boot);
  const { kind, sectorSize, clusterSize } = geometry;
  const size = (boot.u16(FIELD.sectors16) || boot.u32(FIELD.sectors32)) * sectorSize;
  const extended = kind === 'fat32' ? EXTENDED.fat32 : EXTENDED.fat16;
  const isMarked = boot.u8(extended + 1) === EXTENDED_MARK;
  const serial = isMarked
    ? boot
        .u32(extended + 2)
        .toString(16)
        .toUpperCase()
        .padStart(8, '0')
    : '';
  const ownLabel = isMarked ? boot.text(extended + 6, 11, 'latin1') : '';
  const content = describe(
    {
      kind,
      label: readFatLabel(span, geometry) ?? (ownLabel === 'NO NAME' ? '' : ownLabel),
      uuid: serial && `${serial.slice(0, 4)}-${serial.slice(4)}`,
      size,
      clean: isClean(span, geometry, boot.u8(extended)),
      details: { sectorSize, clusterSize },
    },
    checkFits(span, size, 'file system'),
  );
  return { ...content, openFiles: () => openFatFiles(span, geometry) };
}

/** FAT has no magic number: its boot sector is known by fields that can hold few values. */
function looksLikeFat(boot: Fields): boolean {
  const sectorSize = boot.u16(FIELD.sectorSize);
  const clusterSectors = boot.u8(FIELD.clusterSectors);
  const media = boot.u8(FIELD.media);
  return (
    (boot.u8(0) === 0xeb || boot.u8(0) === 0xe9) &&
    boot.u16(FIELD.signature) === 0xaa55 &&
    [512, 1024, 2048, 4096].includes(sectorSize) &&
    Number.isInteger(Math.log2(clusterSectors)) &&
    boot.u16(FIELD.reservedSectors) > 0 &&
    [1, 2].includes(boot.u8(FIELD.tables)) &&
    (media === 0xf0 || media >= 0xf8)
  );
}

function toGeometry(boot: Fields): FatGeometry {
  const sectorSize = boot.u16(FIELD.sectorSize);
  const clusterSize = boot.u8(FIELD.clusterSectors) * sectorSize;
  const tableOffset = boot.u16(FIELD.reservedSectors) * sectorSize;
  const tableSize = (boot.u16(FIELD.tableSectors16) || boot.u32(FIELD.tableSectors32)) * sectorSize;
  const rootOffset = tableOffset + boot.u8(FIELD.tables) * tableSize;
  const rootSize = Math.ceil((boot.u16(FIELD.rootEntries) * ENTRY_SIZE) / sectorSize) * sectorSize;
  const heapOffset = rootOffset + rootSize;
  const size = (boot.u16(FIELD.sectors16) || boot.u32(FIELD.sectors32)) * sectorSize;
  const clusterCount = Math.floor((size - heapOffset) / clusterSize);
  if (tableSize === 0 || clusterCount < 1) throw damaged('the FAT boot sector leaves no room for files');
  const kind = boot.u16(FIELD.tableSectors16) === 0 ? 'fat32' : kindOf(clusterCount);
  return {
    kind,
    sectorSize,
    clusterSize,
    clusterCount,
    tableOffset,
    heapOffset,
    root: kind === 'fat32' ? { cluster: boot.u32(FIELD.rootCluster) } : { offset: rootOffset, length: rootSize },
  };
}

const kindOf = (clusterCount: number): FatGeometry['kind'] => {
  if (clusterCount <= FAT12_CLUSTERS_MAX) return 'fat12';
  return clusterCount <= FAT16_CLUSTERS_MAX ? 'fat16' : 'fat32';
};

/** Windows clears a bit in the second table entry while it writes, Linux sets one in the drive's state byte. */
function isClean(span: Span, { kind, tableOffset }: FatGeometry, state: number): boolean {
  if ((state & 1) !== 0) return false;
  if (kind === 'fat12') return true;
  const table = span.read({ offset: tableOffset, length: 8 }, 'FAT');
  return kind === 'fat16' ? (table.u16(2) & 0x8000) !== 0 : (table.u32(4) & 0x0800_0000) !== 0;
}

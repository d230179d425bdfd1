// Master boot record: UEFI Specification 2.10 §5.2.1, "Legacy Master Boot Record".
import { SECTOR_SIZE } from './geometry.ts';

const ENTRIES_OFFSET = 446;
/** FAT32, addressed by sector number. */
const TYPE_FAT32_LBA = 0x0c;
/** Cylinder, head and sector as they are written for sector 2048 and for all that lies beyond what they can count. */
const CHS_FIRST = [32, 33, 0] as const;
const CHS_BEYOND = [254, 255, 255] as const;

/** A table of one partition that reaches from `firstSector` over `sectorCount` sectors. */
export function encodePartitionTable(partition: {
  readonly firstSector: number;
  readonly sectorCount: number;
  readonly diskSignature: number;
}): Buffer {
  const sector = Buffer.alloc(SECTOR_SIZE);
  sector.writeUInt32LE(partition.diskSignature, 440);
  sector.set(CHS_FIRST, ENTRIES_OFFSET + 1);
  sector.writeUInt8(TYPE_FAT32_LBA, ENTRIES_OFFSET + 4);
  sector.set(CHS_BEYOND, ENTRIES_OFFSET + 5);
  sector.writeUInt32LE(partition.firstSector, ENTRIES_OFFSET + 8);
  sector.writeUInt32LE(partition.sectorCount, ENTRIES_OFFSET + 12);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

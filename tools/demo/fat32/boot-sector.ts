// Microsoft FAT32 File System Specification 1.03, "Boot Sector and BPB" and "FAT32 FSInfo Sector Structure and Backup Boot Sector".
import { FAT_COUNT, FIRST_CLUSTER, RESERVED_SECTORS, SECTOR_SIZE, type Geometry } from './geometry.ts';

/** Sectors of the reserved area. The boot sector and FSInfo have copies from the backup on. */
export const FS_INFO_SECTOR = 1;
export const BACKUP_BOOT_SECTOR = 6;
/** The only kind of medium there is today: fixed. The low byte of the first FAT entry repeats it. */
export const MEDIA_FIXED = 0xf8;

const SIGNATURE = 0xaa55;
const SIGNATURE_OFFSET = 510;
/** What BIOSes of large disks answer; only code that boots by cylinder, head and sector asks. */
const SECTORS_PER_TRACK = 63;
const HEADS = 255;
const FIRST_FIXED_DRIVE = 0x80;
/** The three fields after it are present. */
const EXTENDED_BOOT_SIGNATURE = 0x29;

export interface VolumeName {
  /** At most 11 characters of the short-name set. */
  readonly label: string;
  readonly serial: number;
}

export function encodeBootSector(geometry: Geometry, volume: VolumeName & { readonly hiddenSectors: number }): Buffer {
  const sector = Buffer.alloc(SECTOR_SIZE);
  // A jump over the parameters to an endless loop: the volume holds files, not a system.
  sector.set([0xeb, 0x58, 0x90], 0);
  sector.set([0xeb, 0xfe], 90);
  sector.write('HYPERSDK', 3, 'latin1');
  sector.writeUInt16LE(SECTOR_SIZE, 11);
  sector.writeUInt8(geometry.sectorsPerCluster, 13);
  sector.writeUInt16LE(RESERVED_SECTORS, 14);
  sector.writeUInt8(FAT_COUNT, 16);
  sector.writeUInt8(MEDIA_FIXED, 21);
  sector.writeUInt16LE(SECTORS_PER_TRACK, 24);
  sector.writeUInt16LE(HEADS, 26);
  sector.writeUInt32LE(volume.hiddenSectors, 28);
  sector.writeUInt32LE(geometry.sectorCount, 32);
  sector.writeUInt32LE(geometry.sectorsPerFat, 36);
  sector.writeUInt32LE(FIRST_CLUSTER, 44);
  sector.writeUInt16LE(FS_INFO_SECTOR, 48);
  sector.writeUInt16LE(BACKUP_BOOT_SECTOR, 50);
  sector.writeUInt8(FIRST_FIXED_DRIVE, 64);
  sector.writeUInt8(EXTENDED_BOOT_SIGNATURE, 66);
  sector.writeUInt32LE(volume.serial, 67);
  sector.write(volume.label.padEnd(11), 71, 'latin1');
  sector.write('FAT32   ', 82, 'latin1');
  sector.writeUInt16LE(SIGNATURE, SIGNATURE_OFFSET);
  return sector;
}

/** What is free and where to look for it first: a hint that spares a system the walk over the table. */
export function encodeFsInfo(free: { readonly count: number; readonly next: number }): Buffer {
  const sector = Buffer.alloc(SECTOR_SIZE);
  sector.writeUInt32LE(0x41615252, 0);
  sector.writeUInt32LE(0x61417272, 484);
  sector.writeUInt32LE(free.count, 488);
  sector.writeUInt32LE(free.next, 492);
  sector.writeUInt16LE(SIGNATURE, SIGNATURE_OFFSET);
  return sector;
}

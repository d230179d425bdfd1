/** What a volume can hold, in one word each. `empty` begins with zeros where every known content has its signature; `unknown` holds something else. */
const volumeKinds = [
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'ntfs',
  'fat12',
  'fat16',
  'fat32',
  'exfat',
  'refs',
  'hfs+',
  'apfs',
  'zfs',
  'f2fs',
  'squashfs',
  'erofs',
  'iso9660',
  'vmfs',
  'swap',
  'lvm-pv',
  'md-raid',
  'luks',
  'bitlocker',
  'empty',
  'unknown',
] as const;
export type VolumeKind = (typeof volumeKinds)[number];

/** What lies in a volume by its own account. */
export interface VolumeContent {
  readonly kind: VolumeKind;
  readonly label?: string;
  /** UUID or serial number, spelled as the system that owns it spells it. */
  readonly uuid?: string;
  /** Bytes that the content says it takes. */
  readonly size?: number;
  /** Whether it was unmounted in order; absent where that is not cheap to tell. */
  readonly clean?: boolean;
  /** Facts in the content's own words, for people. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** An entry of a partition table. */
export interface PartitionEntry {
  readonly number: number;
  /** MBR: the type as `0x83`. GPT: the type's GUID. */
  readonly type: string;
  readonly typeName?: string;
  readonly name?: string;
  readonly id?: string;
  /** MBR: the active flag. GPT: the attribute for old firmware. */
  readonly bootable: boolean;
}

/** A partition, a logical volume, or a whole disk without partitions. */
export interface GuestVolume {
  /** `disk`, `partition 2` or `vg/lv`. */
  readonly place: string;
  readonly partition?: PartitionEntry;
  /** Byte of the disk where it begins; absent for logical volumes, which need not lie in one piece, and for what lies outside the disk. */
  readonly offset?: number;
  readonly size: number;
  readonly content: VolumeContent;
}

/** An operating system that was found installed. All of it is written by the guest. */
export interface GuestOs {
  readonly family: 'linux' | 'windows';
  /** For people: `Debian GNU/Linux 12 (bookworm)`. */
  readonly name: string;
  /** `ID` of os-release. */
  readonly id?: string;
  readonly version?: string;
  /** The `place` of the volume that it lies in. */
  readonly volume: string;
}

/** Something about the disk that its owner should know. */
export interface GuestFinding {
  readonly severity: 'note' | 'warning';
  readonly place: string;
  /** A sentence. */
  readonly summary: string;
}

/** A look at a disk on another machine, and what it took. */
export interface RemoteLook {
  readonly guest: GuestLook;
  /** Bytes asked of the server for it, what was read ahead included. */
  readonly bytesRead: number;
}

/** What lies on a disk, read without mounting anything or trusting any of it. */
export interface GuestLook {
  readonly table: 'gpt' | 'mbr' | 'none';
  readonly sectorSize: number;
  readonly tableId?: string;
  readonly volumes: readonly GuestVolume[];
  readonly systems: readonly GuestOs[];
  /** Firmwares for which the disk carries boot code: both, one, or none that was found. */
  readonly firmwares: readonly ('bios' | 'uefi')[];
  /** EFI programs that were found, as paths on their volume. */
  readonly loaders: readonly string[];
  readonly findings: readonly GuestFinding[];
  /** False when the look ended at its limit of time or bytes. */
  readonly complete: boolean;
}

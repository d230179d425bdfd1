// UEFI Specification 2.10, section 5.3, and the "Discoverable Partitions Specification" for Linux; Microsoft's PARTITION_INFORMATION_GPT for Windows.

export const BIOS_BOOT_GUID = '21686148-6449-6e6f-744e-656564454649';

const GUID_NAMES: Readonly<Record<string, string>> = {
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': 'EFI system',
  [BIOS_BOOT_GUID]: 'BIOS boot',
  '0fc63daf-8483-4772-8e79-3d69d8477de4': 'Linux',
  '4f68bce3-e8cd-4db1-96e7-fbcaf984b709': 'Linux root (x86-64)',
  'b921b045-1df0-41c3-af44-4c6f280d3fae': 'Linux root (ARM64)',
  'bc13c2ff-59e6-4262-a352-b275fd6f7172': 'Linux extended boot',
  '933ac7e1-2eb4-4f13-b844-0e14e2aef915': 'Linux home',
  '8484680c-9521-48c6-9c11-b0720656f69e': 'Linux usr (x86-64)',
  '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f': 'Linux swap',
  'e6d6d379-f507-44c2-a23c-238f2a3df928': 'Linux LVM',
  'a19d880f-05fc-4d3b-a006-743f0f84911e': 'Linux RAID',
  'ca7d7ccb-63ed-4c53-861c-1742536059cc': 'LUKS',
  'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7': 'Microsoft basic data',
  'e3c9e316-0b5c-4db8-817d-f92df00215ae': 'Microsoft reserved',
  'de94bba4-06d1-4d40-a16a-bfd50179d6ac': 'Windows recovery',
  '5808c8aa-7e8f-42e0-85d2-e1e90434cfb3': 'Windows dynamic disk metadata',
  'af9b60a0-1431-4f62-bc68-3311714a69ad': 'Windows dynamic disk',
  '9d275380-40ad-11db-bf97-000c2911d1b8': 'VMware core dump',
  'aa31e02a-400f-11db-9590-000c2911d1b8': 'VMFS',
  '48465300-0000-11aa-aa11-00306543ecac': 'Apple HFS+',
  '7c3457ef-0000-11aa-aa11-00306543ecac': 'Apple APFS',
  '6a898cc3-1dd2-11b2-99a6-080020736631': 'ZFS',
  '516e7cb4-6ecf-11d6-8ff8-00022d09712b': 'FreeBSD',
};

export const PROTECTIVE_MBR = 0xee;

const MBR_NAMES: Readonly<Record<number, string>> = {
  0x01: 'FAT12',
  0x04: 'FAT16, small',
  0x06: 'FAT16',
  0x07: 'NTFS or exFAT',
  0x0b: 'FAT32',
  0x0c: 'FAT32 (LBA)',
  0x0e: 'FAT16 (LBA)',
  0x27: 'Windows recovery',
  0x42: 'Windows dynamic disk',
  0x82: 'Linux swap',
  0x83: 'Linux',
  0x8e: 'Linux LVM',
  0xa5: 'FreeBSD',
  0xaf: 'Apple HFS+',
  0xee: 'GPT',
  0xef: 'EFI system',
  0xfb: 'VMFS',
  0xfc: 'VMware core dump',
  0xfd: 'Linux RAID',
};

export const guidName = (guid: string): string | undefined => GUID_NAMES[guid];
export const mbrName = (type: number): string | undefined => MBR_NAMES[type];
export const mbrType = (type: number): string => `0x${type.toString(16).padStart(2, '0')}`;

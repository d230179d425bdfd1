import type { BootRecord } from '../partition/mbr.ts';
import type { PartitionTable } from '../partition/partition-table.ts';
import { BIOS_BOOT_GUID } from '../partition/partition-types.ts';

/** GRUB and the loaders of syslinux say in their code who they are, and boot without an active partition. */
const FREE_LOADERS = ['GRUB', 'Geom', 'SYSLINUX', 'isolinux'] as const;

/**
 * Whether a BIOS would find something to start: code in the first sector, and what that code goes on with. Partitioning tools leave code there too,
 * which starts nothing as long as no partition is active.
 */
export function hasBiosLoader(boot: BootRecord, table: PartitionTable | undefined): boolean {
  if (boot.code.isZero()) return false;
  const text = boot.code.bytes.toString('latin1');
  if (FREE_LOADERS.some((name) => text.includes(name))) return true;
  return table?.partitions.some(({ entry }) => entry.bootable || entry.type === BIOS_BOOT_GUID) ?? false;
}

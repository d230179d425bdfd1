import { HyperError } from '@hypersdk/domain';
import { partOf, type Span } from '../span.ts';
import { recognise } from '../volume/recognise.ts';
import { readBackupGpt, readGpt } from './gpt.ts';
import { holdsPartitions, isProtective, readBootRecord, readMbr, type BootRecord } from './mbr.ts';
import { SECTOR_SIZES, type PartitionTable } from './partition-table.ts';

/** What the disk begins with: a partition table, or one content without any. */
export interface DiskLayout {
  readonly boot: BootRecord | undefined;
  readonly table: PartitionTable | undefined;
}

export function readPartitions(disk: Span): DiskLayout {
  const boot = readBootRecord(disk);
  const gpt = readGpt(disk) ?? (boot && isProtective(boot) ? (readBackupGpt(disk) ?? GONE) : undefined);
  // An old GPT may linger behind a newer table of the other kind; only its own protective entry makes it count.
  if (gpt && (!boot || isProtective(boot) || !holdsPartitions(boot, disk))) {
    const lost = boot && isProtective(boot) ? [] : ['The GPT has no protective entry in the first sector, so some systems will not see it.'];
    return { boot, table: { ...gpt, problems: [...gpt.problems, ...lost] } };
  }
  if (!boot || !holdsPartitions(boot, disk) || beginsWithFileSystem(disk)) return { boot, table: undefined };
  return { boot, table: readMbr(disk, boot, sectorSizeOf(disk, boot)) };
}

const GONE: PartitionTable = {
  kind: 'gpt',
  sectorSize: 512,
  partitions: [],
  problems: ['The first sector says that a GPT follows, but neither copy of it is there.'],
};

/** FAT and NTFS have boot sectors of their own, in which a partition table can appear by chance. */
function beginsWithFileSystem(disk: Span): boolean {
  try {
    const kind = recognise(disk).content.kind;
    return kind === 'ntfs' || kind === 'exfat' || kind.startsWith('fat');
  } catch (error) {
    if (error instanceof HyperError) return false;
    throw error;
  }
}

/** An MBR counts in sectors without saying how long they are: the size that makes something appear where partitions begin is right. */
function sectorSizeOf(disk: Span, boot: BootRecord): number {
  const readable = (sectorSize: number): number =>
    readMbr(disk, boot, sectorSize).partitions.filter((range) => {
      if (range.offset + range.length > disk.size) return false;
      try {
        const { kind } = recognise(partOf(disk, range)).content;
        return kind !== 'empty' && kind !== 'unknown';
      } catch (error) {
        if (error instanceof HyperError) return false;
        throw error;
      }
    }).length;
  const [usual, other] = SECTOR_SIZES;
  return readable(usual) === 0 && readable(other) > 0 ? other : usual;
}

// IBM's and Microsoft's master boot record as UEFI Specification 2.10, section 5.2 "LBA 0 Format", repeats it. Cylinders, heads and their sectors mean nothing any more.
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';
import { readIfThere } from '../volume/recognised.ts';
import { mbrName, mbrType, PROTECTIVE_MBR } from './partition-types.ts';
import type { Partition, PartitionTable } from './partition-table.ts';

const SIGNATURE = { at: 510, value: 0xaa55 } as const;
const CODE_SIZE = 440;
const DISK_ID = 440;
const ENTRIES = 446;
const ENTRY_SIZE = 16;
const ENTRY = { status: 0, type: 4, first: 8, count: 12 } as const;
const PRIMARY_COUNT = 4;
const ACTIVE = 0x80;
/** The same twice over: CHS, LBA, and what Linux uses to hide one from DOS. */
const EXTENDED: readonly number[] = [0x05, 0x0f, 0x85];
/** Linux numbers no more; a longer chain goes in a circle. */
const LOGICAL_MAX = 128;

/** The first sector of a disk, when it ends as a boot sector does. */
export interface BootRecord {
  readonly code: Fields;
  readonly id: number;
  readonly slots: readonly Slot[];
}

interface Slot {
  readonly number: number;
  readonly status: number;
  readonly type: number;
  /** In sectors. */
  readonly first: number;
  readonly count: number;
}

export function readBootRecord(disk: Span): BootRecord | undefined {
  const sector = readIfThere(disk, { offset: 0, length: 512 }, 'boot record');
  if (sector?.u16(SIGNATURE.at) !== SIGNATURE.value) return undefined;
  return { code: sector.part(0, CODE_SIZE), id: sector.u32(DISK_ID), slots: slotsOf(sector) };
}

export const isProtective = (record: BootRecord): boolean => record.slots.some(({ type }) => type === PROTECTIVE_MBR);

/** Whether the four entries can be a partition table: boot sectors of file systems end alike, with text or code in this place. */
export function holdsPartitions(record: BootRecord, disk: Span): boolean {
  const isPossible = record.slots.every(({ status }) => status === 0 || status === ACTIVE);
  return isPossible && record.slots.some((slot) => isUsed(slot) && slot.first > 0 && slot.first * 512 < disk.size);
}

export function readMbr(disk: Span, record: BootRecord, sectorSize: number): PartitionTable {
  const primary = record.slots.filter(isUsed);
  const chains = primary.filter(({ type }) => EXTENDED.includes(type)).map((slot) => readChain(disk, slot, sectorSize));
  const logical = chains.flatMap(({ slots }) => slots).map((slot, index) => ({ ...slot, number: PRIMARY_COUNT + 1 + index }));
  const real = [...primary.filter(({ type }) => !EXTENDED.includes(type)), ...logical];
  const id = record.id.toString(16).padStart(8, '0');
  return {
    kind: 'mbr',
    sectorSize,
    ...(record.id === 0 ? {} : { id }),
    partitions: real.map((slot) => toPartition(slot, { sectorSize, diskId: id })),
    problems: chains.flatMap(({ problem }) => problem ?? []),
  };
}

const isUsed = ({ type, count }: Slot): boolean => type !== 0 && count > 0;

const slotsOf = (sector: Fields): readonly Slot[] =>
  Array.from({ length: PRIMARY_COUNT }, (_, index) => {
    const at = ENTRIES + index * ENTRY_SIZE;
    return {
      number: index + 1,
      status: sector.u8(at + ENTRY.status),
      type: sector.u8(at + ENTRY.type),
      first: sector.u32(at + ENTRY.first),
      count: sector.u32(at + ENTRY.count),
    };
  });

/** Logical partitions hang in a chain: each link holds one, counted from the link, and the next link, counted from the start of the chain. */
function readChain(disk: Span, start: Slot, sectorSize: number): { readonly slots: readonly Slot[]; readonly problem?: string } {
  const slots: Slot[] = [];
  const seen = new Set<number>();
  let link = start.first;
  while (slots.length < LOGICAL_MAX) {
    if (seen.has(link)) return { slots, problem: 'The chain of logical partitions goes in a circle.' };
    seen.add(link);
    const sector = readIfThere(disk, { offset: link * sectorSize, length: 512 }, 'extended boot record');
    if (sector?.u16(SIGNATURE.at) !== SIGNATURE.value) return { slots, problem: `The chain of logical partitions breaks at sector ${link}.` };
    const [own, next] = slotsOf(sector);
    if (own && isUsed(own) && !EXTENDED.includes(own.type)) slots.push({ ...own, first: link + own.first });
    if (!next || !isUsed(next) || !EXTENDED.includes(next.type)) return { slots };
    link = start.first + next.first;
  }
  return { slots, problem: `The chain of logical partitions has more than ${LOGICAL_MAX} links.` };
}

function toPartition(slot: Slot, o: { readonly sectorSize: number; readonly diskId: string }): Partition {
  const typeName = mbrName(slot.type);
  return {
    offset: slot.first * o.sectorSize,
    length: slot.count * o.sectorSize,
    entry: {
      number: slot.number,
      type: mbrType(slot.type),
      ...(typeName === undefined ? {} : { typeName }),
      // Linux and udev name partitions without an id of their own by the disk's.
      id: `${o.diskId}-${slot.number.toString(16).padStart(2, '0')}`,
      bootable: slot.status === ACTIVE,
    },
  };
}

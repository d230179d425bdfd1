import { formatBytes, type DiskInfo, type VMInfo } from '@hypersdk/domain';
import type { ColumnShape } from '../widgets/columns.ts';

export interface VMColumn extends ColumnShape {
  readonly title: string;
  text(vm: VMInfo): string;
  /** What the column is sorted by. */
  rank(vm: VMInfo): string | number;
}

const sizeOf = (vm: VMInfo): number => vm.disks.reduce((sum, disk) => sum + disk.virtualSize, 0);

/** Undefined where a disk does not say. */
function dataOf(vm: VMInfo): number | undefined {
  return vm.disks.reduce<number | undefined>(
    (sum, disk) => (sum === undefined || disk.allocatedSize === undefined ? undefined : sum + disk.allocatedSize),
    0,
  );
}

/** Bytes that an export has to read, as far as they are known before. */
export const sizeToCopy = (vm: VMInfo): number => dataOf(vm) ?? sizeOf(vm);

/** Short enough for its column; the details say more. */
const formatOf = ({ format, isEncrypted, partCount }: DiskInfo): string =>
  isEncrypted ? 'locked' : `${format ?? ''}${partCount === undefined ? '' : ` ×${partCount}`}`;
const formatsOf = (vm: VMInfo): string => [...new Set(vm.disks.map(formatOf))].filter((format) => format !== '').join(',');
const bytes = (size: number | undefined): string => (size === undefined ? '' : formatBytes(size));

/** Widths are those of the narrowest screen; the name takes what is left. */
export const vmColumns = [
  { id: 'name', title: 'NAME', width: 20, text: (vm) => vm.name, rank: (vm) => vm.name },
  { id: 'state', title: 'STATE', width: 9, text: (vm) => vm.powerState, rank: (vm) => vm.powerState },
  { id: 'disks', title: 'DISKS', width: 6, align: 'right', text: (vm) => String(vm.disks.length), rank: (vm) => vm.disks.length },
  { id: 'size', title: 'SIZE', width: 9, align: 'right', text: (vm) => formatBytes(sizeOf(vm)), rank: sizeOf },
  { id: 'data', title: 'DATA', width: 9, align: 'right', text: (vm) => bytes(dataOf(vm)), rank: (vm) => dataOf(vm) ?? -1 },
  { id: 'format', title: 'FORMAT', width: 8, text: formatsOf, rank: formatsOf },
  { id: 'firmware', title: 'FW', width: 4, text: (vm) => (vm.firmware === 'unknown' ? '' : vm.firmware), rank: (vm) => vm.firmware },
] as const satisfies readonly (VMColumn & { readonly id: string })[];

export type VMColumnId = (typeof vmColumns)[number]['id'];

const collator = new Intl.Collator('en', { numeric: true });

/** `vm-2` before `vm-10`; the id decides between equals, so that the order is the same every time. */
export function sortVMs(vms: readonly VMInfo[], o: { readonly by: VMColumnId; readonly descending: boolean }): readonly VMInfo[] {
  const column: VMColumn = vmColumns.find(({ id }) => id === o.by) ?? vmColumns[0];
  const direction = o.descending ? -1 : 1;
  return vms.toSorted(
    (a, b) => direction * compareRanks(column.rank(a), column.rank(b)) || collator.compare(a.name, b.name) || collator.compare(a.id, b.id),
  );
}

const compareRanks = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));

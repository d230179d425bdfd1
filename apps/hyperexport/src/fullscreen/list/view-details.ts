import { formatBytes, type DiskInfo, type GuestLook, type ImageInfo, type VMInfo } from '@hypersdk/domain';
import { EMPTY, line, wrapText, type Line } from '../widgets/line.ts';
import type { DiskLook, ListState } from './list-state.ts';

/** All that is known of the VM under the cursor; disks and guest once they were looked at. */
export function viewDetails(list: ListState, columns: number): readonly Line[] {
  const vm = list.shown[list.cursor];
  if (!vm) return [];
  const looks = list.looks.get(vm.id);
  const rows = [
    ...aboutVM(vm).map(([label, value]) => `${label.padEnd(9)} ${value}`),
    ...vm.disks.flatMap((disk, at) => aboutDisk(disk, Array.isArray(looks) ? looks[at] : undefined)),
    ...(looks === 'looking' ? ['looking into the disks …'] : []),
  ];
  return [line(vm.name, { bold: true }), ...rows.flatMap((row) => (row === '' ? [EMPTY] : hang(row, columns).map((text) => line(text))))];
}

/** What does not fit into a row goes on in the next one, set in. */
function hang(row: string, columns: number): readonly string[] {
  const [first = '', ...rest] = wrapText(
    row.replaceAll(/ {2,}/g, (blanks) => '\u00A0'.repeat(blanks.length)),
    columns,
  );
  return [first, ...rest.flatMap((text) => wrapText(text, columns - 4).map((part) => `    ${part}`))];
}

const aboutVM = (vm: VMInfo): readonly (readonly [string, string])[] => [
  ['state', vm.powerState],
  ['firmware', vm.firmware === 'unknown' ? 'not said' : `${vm.firmware.toUpperCase()}${vm.secureBoot ? ', secure boot' : ''}`],
  ...(vm.cpus === undefined ? [] : [['cpus', String(vm.cpus)] as const]),
  ...(vm.memory === undefined ? [] : [['memory', formatBytes(vm.memory)] as const]),
  ...(vm.os === undefined ? [] : [['system', vm.os] as const]),
  ['id', vm.id],
];

function aboutDisk(disk: DiskInfo, look: DiskLook | undefined): readonly string[] {
  return [
    '',
    `${disk.label}: ${formatBytes(disk.virtualSize)} ${disk.format ?? ''}${disk.allocatedSize === undefined ? '' : `, ${formatBytes(disk.allocatedSize)} of data`}`,
    `  ${disk.location}`,
    ...(disk.isEncrypted ? ['  encrypted: the size is that of its files'] : []),
    ...(disk.partCount === undefined ? [] : [`  in ${disk.partCount} parts`]),
    ...(look?.problem === undefined ? [] : [`  ${look.problem}`]),
    ...(look?.about ? aboutImage(look.about) : []),
    ...(look?.guest ? aboutGuest(look.guest) : []),
  ];
}

const aboutImage = (about: ImageInfo): readonly string[] => [
  ...(about.subformat === undefined ? [] : [`  subformat ${about.subformat}`]),
  ...(about.snapshotCount > 0 ? [`  snapshots ${about.snapshotCount}`] : []),
  ...about.references.map((reference) => `  refers to ${reference}`),
];

const aboutGuest = (look: GuestLook): readonly string[] => [
  ...look.systems.map(({ name, volume }) => `  system ${name} on ${volume}`),
  ...(look.firmwares.length > 0 ? [`  boots with ${look.firmwares.map((firmware) => firmware.toUpperCase()).join(' and ')}`] : []),
  ...look.volumes.map(({ place, size, content }) => `  ${place}: ${content.kind} ${content.label ?? ''} ${formatBytes(size)}`),
  ...look.findings.filter(({ severity }) => severity === 'warning').map(({ place, summary }) => `  warning: ${place}: ${summary}`),
];

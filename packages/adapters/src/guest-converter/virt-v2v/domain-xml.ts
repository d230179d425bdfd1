import type { BootFirmware } from '@hypersdk/domain';

export interface DescribedGuest {
  readonly firmware: BootFirmware;
  /** Paths of qcow2 images. */
  readonly disks: readonly string[];
}

/** virt-v2v wants both and changes neither. */
const MEMORY_MIB = 2048;
const CPUS = 1;

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Names of disks have one letter here, and virt-v2v's own guest has places for about as many. */
export const DISKS_MAX = LETTERS.length;

/** The guest in libvirt's words, as virt-v2v reads it (libvirt "Domain XML format"). Our own names are all it holds: none comes from outside. */
export const writeDomain = ({ firmware, disks }: DescribedGuest): string => `<domain type='kvm'>
  <name>guest</name>
  <memory unit='MiB'>${MEMORY_MIB}</memory>
  <vcpu>${CPUS}</vcpu>
  <os${firmware === 'uefi' ? " firmware='efi'" : ''}><type arch='x86_64'>hvm</type></os>
  <devices>
${disks.map(writeDisk).join('')}  </devices>
</domain>
`;

const writeDisk = (path: string, index: number): string =>
  `    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${escapeAttribute(path)}'/><target dev='sd${LETTERS[index] ?? ''}' bus='scsi'/></disk>\n`;

const escapeAttribute = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll("'", '&apos;');

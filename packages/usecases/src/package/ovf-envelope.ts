// DSP0243 1.1.0, Open Virtualization Format Specification; what VMware adds to it, as its tools write it.
import { MIB, roundUp, type ExportedDisk, type VMInfo } from '@hypersdk/domain';
import { escapeXml, writeItem, type OvfItem } from './ovf-item.ts';
import { diskId, seatDisks, storageItems, type DiskSeat } from './ovf-storage.ts';

const [CPU, MEMORY, NETWORK_CARD] = [3, 4, 10];

/** What a VM gets when its platform does not say, which is so for images alone. */
const CPUS_UNKNOWN = 1;
const MEMORY_UNKNOWN = 2048 * MIB;
const NETWORK_UNKNOWN = 'VM Network';

/** VMDK counts disks in sectors. */
const SECTOR_SIZE = 512;
const FORMAT = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';

/** CIM_OperatingSystem.OSType. */
const [OS_OTHER, OS_LINUX_64] = [1, 101];
const LINUX = /linux|debian|ubuntu|rhel|red ?hat|centos|fedora|suse|sles|alma|rocky|alpine|gentoo/i;

/** The oldest virtual hardware that has what the VM needs, so that the oldest hosts take it: SATA came with 10, NVMe and secure boot with 13. */
const [HARDWARE_PLAIN, HARDWARE_NEW] = ['vmx-10', 'vmx-13'];

/** The descriptor of a VM whose disks lie beside it as streamOptimized VMDKs, in words that VMware, VirtualBox and virt-v2v import. */
export function writeEnvelope(vm: VMInfo, disks: readonly ExportedDisk[]): string {
  const seats = seatDisks(disks.map(({ id }) => id));
  return `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData" xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References>
${disks.map(writeFile).join('')}  </References>
  <DiskSection>
    <Info>Virtual disks of the VM</Info>
${disks.map(writeDisk).join('')}  </DiskSection>
  <NetworkSection>
    <Info>Networks that the VM is connected to</Info>
${networksOf(vm).map(writeNetwork).join('')}  </NetworkSection>
  <VirtualSystem ovf:id="${escapeXml(vm.name)}">
    <Info>A virtual machine</Info>
    <Name>${escapeXml(vm.name)}</Name>
${writeSystem(vm)}    <VirtualHardwareSection>
      <Info>What the VM is made of</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>${escapeXml(vm.name)}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>${hardwareOf(vm, seats)}</vssd:VirtualSystemType>
      </System>
${itemsOf(vm, seats).map(writeItem).join('')}${writeFirmware(vm)}    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`;
}

const writeFile = ({ file, fileSize }: ExportedDisk, index: number): string =>
  `    <File ovf:href="${escapeXml(file)}" ovf:id="${fileId(index)}" ovf:size="${fileSize}"/>\n`;

const fileId = (index: number): string => `file${index + 1}`;

/** The size is written in full in bytes: some readers take a missing or a new unit for another one. */
const writeDisk = ({ content }: ExportedDisk, index: number): string =>
  `    <Disk ovf:capacity="${roundUp(content.virtualSize, SECTOR_SIZE)}" ovf:capacityAllocationUnits="byte" ovf:diskId="${diskId(index)}" ovf:fileRef="${fileId(index)}" ovf:format="${FORMAT}"/>\n`;

function networksOf(vm: VMInfo): readonly string[] {
  const named = vm.nics.map(({ network }) => network ?? NETWORK_UNKNOWN);
  return [...new Set(named.length === 0 ? [NETWORK_UNKNOWN] : named)];
}

const writeNetwork = (name: string): string =>
  `    <Network ovf:name="${escapeXml(name)}">\n      <Description>${escapeXml(name)}</Description>\n    </Network>\n`;

/** The number says little; a name that VMware knows is passed on as it is. */
function writeSystem({ os }: VMInfo): string {
  const type = os !== undefined && LINUX.test(os) ? OS_LINUX_64 : OS_OTHER;
  const vendor = os !== undefined && /^[A-Za-z0-9_]{1,60}Guest(?:64)?$/.test(os) ? ` vmw:osType="${os}"` : '';
  return `    <OperatingSystemSection ovf:id="${type}"${vendor}>
      <Info>The operating system of the VM</Info>
      <Description>${escapeXml(os ?? 'Other')}</Description>
    </OperatingSystemSection>
`;
}

const hardwareOf = ({ secureBoot }: VMInfo, seats: readonly DiskSeat[]): string =>
  secureBoot || seats.some(({ bus }) => bus === 'nvme') ? HARDWARE_NEW : HARDWARE_PLAIN;

function itemsOf(vm: VMInfo, seats: readonly DiskSeat[]): readonly OvfItem[] {
  const cpus = vm.cpus ?? CPUS_UNKNOWN;
  const mebibytes = Math.ceil((vm.memory ?? MEMORY_UNKNOWN) / MIB);
  const fixed: readonly OvfItem[] = [
    { AllocationUnits: 'hertz * 10^6', ElementName: `${cpus} virtual CPU(s)`, InstanceID: 1, ResourceType: CPU, VirtualQuantity: cpus },
    {
      AllocationUnits: 'byte * 2^20',
      ElementName: `${mebibytes} MB of memory`,
      InstanceID: 2,
      ResourceType: MEMORY,
      VirtualQuantity: mebibytes,
    },
  ];
  const storage = storageItems(seats, fixed.length + 1);
  const cards = vm.nics.map(({ mac, network = NETWORK_UNKNOWN }, index): OvfItem => ({
    Address: mac,
    AutomaticAllocation: 'true',
    Connection: network,
    ElementName: `Network Adapter ${index + 1}`,
    InstanceID: fixed.length + storage.length + index + 1,
    // Guests of every platform have its driver.
    ResourceSubType: 'E1000',
    ResourceType: NETWORK_CARD,
  }));
  return [...fixed, ...storage, ...cards];
}

/** Settings that a reader may leave out are marked as such, so that whoever does not know VMware's still imports the VM. */
function writeFirmware({ firmware, secureBoot }: VMInfo): string {
  if (firmware === 'unknown') return '';
  const config = (key: string, value: string): string => `      <vmw:Config ovf:required="false" vmw:key="${key}" vmw:value="${value}"/>\n`;
  const secure = firmware === 'uefi' && secureBoot !== undefined ? config('bootOptions.efiSecureBootEnabled', String(secureBoot)) : '';
  return config('firmware', firmware === 'uefi' ? 'efi' : 'bios') + secure;
}

// For tests: descriptors of one VM with one disk, right or wrong.

export const item = (parts: Readonly<Record<string, string | number>>, attributes = ''): string =>
  `<Item${attributes}>${Object.entries(parts)
    .map(([name, value]) => `<rasd:${name}>${value}</rasd:${name}>`)
    .join('')}</Item>`;

export interface OvfParts {
  readonly files?: string;
  readonly disks?: string;
  readonly hardware?: string;
  readonly name?: string;
  /** The whole VM, in place of the one that is made of the others. */
  readonly system?: string;
  readonly more?: string;
}

export const FILE = '<File ovf:id="file1" ovf:href="disk.vmdk"/>';
export const DISK = '<Disk ovf:diskId="d1" ovf:fileRef="file1" ovf:capacity="1048576"/>';
export const DISK_ITEM = item({ InstanceID: 9, ResourceType: 17, HostResource: 'ovf:/disk/d1' });

export function buildOvf({ files = FILE, disks = DISK, hardware = DISK_ITEM, name = 'a', system, more = '' }: OvfParts = {}): string {
  const vm = system ?? `<VirtualSystem ovf:id="a"><Name>${name}</Name><VirtualHardwareSection>${hardware}</VirtualHardwareSection></VirtualSystem>`;
  return `<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="urn:rasd"><References>${files}</References><DiskSection>${disks}</DiskSection>${more}${vm}</Envelope>`;
}

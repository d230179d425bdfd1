import { GIB, toConnectionId, toDiskId, toVMId, type DiskInfo, type VMInfo } from '@hypersdk/domain';
import { childNamed, childrenNamed, parseXml, type XmlElement } from '@hypersdk/wire';
import { describe, expect, test } from 'vitest';
import { differencesOf, toDomainXml, type DomainWish } from './domain-xml.ts';

const disk = (id: string, more: Partial<DiskInfo> = {}): DiskInfo => ({
  id: toDiskId(id),
  label: id,
  virtualSize: GIB,
  location: `/was/${id}`,
  ...more,
});

const vm = (more: Partial<VMInfo> = {}): VMInfo => ({
  id: toVMId('4dea22b3-1d52-d8f3-2516-782e98ab3fa0'),
  name: 'web-01',
  provider: 'libvirt',
  connection: toConnectionId('qemu:///system'),
  powerState: 'running',
  cpus: 2,
  memory: 4 * GIB,
  firmware: 'bios',
  arch: 'x86_64',
  machine: 'pc-q35-7.2',
  disks: [disk('vda', { bus: 'virtio' })],
  nics: [{ id: 'nic0', mac: '52:54:00:6b:3c:58', network: 'default' }],
  tags: {},
  ...more,
});

function build(wish: Partial<DomainWish> = {}): { readonly domain: XmlElement; readonly os: XmlElement; readonly devices: XmlElement } {
  const domain = parseXml(
    toDomainXml({
      uuid: '11111111-2222-4333-8444-555555555555',
      name: 'copy',
      vm: vm(),
      identity: 'new',
      abilities: { arch: 'x86_64', kind: 'qemu', machines: ['pc', 'q35'] },
      networks: ['default'],
      paths: ['/pool/a.qcow2'],
      by: 'hypersdk-RUN-11111111.restore',
      ...wish,
    }),
  );
  const [os, devices] = [childNamed(domain, 'os'), childNamed(domain, 'devices')];
  if (!os || !devices) throw new Error('There is no machine.');
  return { domain, os, devices };
}

const attributeOf = (element: XmlElement | undefined, child: string, name: string): string | undefined =>
  element && childNamed(element, child)?.attributes.get(name);

describe('the description of a restored VM', () => {
  test('says what it was, under its new name and identity', () => {
    const { domain, devices } = build();
    expect(domain.attributes.get('type')).toBe('qemu');
    expect(childNamed(domain, 'name')?.text).toBe('copy');
    expect(childNamed(domain, 'uuid')?.text).toBe('11111111-2222-4333-8444-555555555555');
    expect(childNamed(domain, 'memory')?.text).toBe(String(4 * GIB));
    expect(childNamed(domain, 'vcpu')?.text).toBe('2');
    expect(attributeOf(childNamed(devices, 'disk'), 'source', 'file')).toBe('/pool/a.qcow2');
    expect(attributeOf(childNamed(devices, 'disk'), 'driver', 'type')).toBe('qcow2');
    expect(attributeOf(childNamed(devices, 'interface'), 'source', 'network')).toBe('default');
    expect(childNamed(devices, 'interface')?.children.some(({ name }) => name === 'mac')).toBe(false);
  });

  test('keeps the addresses of network cards where the identity is kept, and pulls the cable where there is no network', () => {
    const { devices } = build({ identity: 'kept', networks: [undefined] });
    const nic = childNamed(devices, 'interface');
    expect(attributeOf(nic, 'mac', 'address')).toBe('52:54:00:6b:3c:58');
    expect(nic?.attributes.get('type')).toBe('user');
    expect(attributeOf(nic, 'link', 'state')).toBe('down');
  });

  test('escapes every word that somebody else chose', () => {
    const evil = `a"/><evil x='1'>&`;
    const { domain, devices } = build({
      name: evil,
      networks: [evil],
      paths: [evil],
      vm: vm({ nics: [{ id: evil, mac: evil, network: evil }], os: evil, machine: evil }),
      identity: 'kept',
    });
    expect(childNamed(domain, 'name')?.text).toBe(evil);
    expect(attributeOf(childNamed(devices, 'interface'), 'source', 'network')).toBe(evil);
    expect(attributeOf(childNamed(devices, 'disk'), 'source', 'file')).toBe(evil);
    expect(childrenNamed(devices, 'evil')).toEqual([]);
    expect(childNamed(childNamed(devices, 'interface') ?? devices, 'mac')).toBeUndefined();
  });

  test.each([
    {
      what: 'UEFI with secure boot',
      was: { firmware: 'uefi', secureBoot: true, machine: 'pc-i440fx-2.1' },
      firmware: 'efi',
      machine: 'q35',
      secure: 'yes',
    },
    { what: 'UEFI without', was: { firmware: 'uefi' }, firmware: 'efi', machine: 'q35', secure: 'no' },
    { what: 'an old PC', was: { machine: 'pc-i440fx-7.2' }, machine: 'pc' },
    { what: 'one that is not known, with IDE disks', was: { disks: [disk('hda', { bus: 'ide' })], machine: 'vmx-19' }, machine: 'pc' },
    { what: 'one that is not known', was: { machine: 'vmx-19' }, machine: 'q35' },
  ] as const)('$what starts as it did', ({ was, machine, ...expected }) => {
    const { firmware, secure }: { readonly firmware?: string; readonly secure?: string } = expected;
    const { os } = build({ vm: vm(was) });
    expect(os.attributes.get('firmware')).toBe(firmware);
    expect(attributeOf(os, 'type', 'machine')).toBe(machine);
    const feature = childrenNamed(childNamed(os, 'firmware'), 'feature').find(({ attributes }) => attributes.get('name') === 'secure-boot');
    expect(feature?.attributes.get('enabled')).toBe(secure);
  });

  test('disks hang on what they hung on, and cards are of a model that their guest has a driver for', () => {
    const { devices } = build({
      vm: vm({ machine: 'pc', disks: [disk('sda', { bus: 'virtio-scsi', bootOrder: 2 }), disk('hda', { bus: 'ide', bootOrder: 1 })] }),
      paths: ['/a', '/b'],
    });
    expect(childrenNamed(devices, 'disk').map((one) => [attributeOf(one, 'target', 'bus'), attributeOf(one, 'boot', 'order')])).toEqual([
      ['scsi', '2'],
      ['ide', '1'],
    ]);
    expect(childNamed(devices, 'controller')?.attributes.get('model')).toBe('virtio-scsi');
    expect(attributeOf(childNamed(devices, 'interface'), 'model', 'type')).toBe('virtio');
    const old = build({ vm: vm({ disks: [disk('sda', { bus: 'sata' })] }) });
    expect(attributeOf(childNamed(old.devices, 'interface'), 'model', 'type')).toBe('e1000e');
  });

  test('what cannot be made again is told', () => {
    expect(differencesOf(vm())).toEqual([]);
    const { cpus: _cpus, memory: _memory, ...bare } = vm({ firmware: 'uefi', tpm: true, disks: [disk('disk.raw')] });
    expect(differencesOf(bare)).toHaveLength(5);
  });
});

import { childNamed, childrenNamed, parseXml, type XmlElement } from '@hypersdk/wire';
import { describe, expect, test } from 'vitest';
import { differencesOfClone, toCloneXml } from './clone-xml.ts';

const UUID = '11111111-2222-4333-8444-555555555555';

const clone = (devices: string, o: { readonly rest?: string; readonly variables?: string } = {}): XmlElement =>
  parseXml(
    toCloneXml(
      parseXml(`<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>old</name><uuid>0</uuid>${o.rest ?? ''}
        <devices>${devices}</devices></domain>`),
      {
        uuid: UUID,
        name: 'new & shiny',
        by: 'hypersdk-RUN-1.restore',
        images: new Map([['vda', { path: '/pool/new.qcow2', format: 'qcow2' }]]),
        ...(o.variables === undefined ? {} : { variables: o.variables }),
      },
    ),
  );

const device = (xml: string): XmlElement => childNamed(clone(xml), 'devices')?.children[0] ?? expect.fail('There is no device.');
const attributesOf = (element: XmlElement | undefined): object => Object.fromEntries(element?.attributes ?? []);

describe('the definition of a clone', () => {
  test('has a name and an identity of its own, also for the firmware, and says that it is not finished', () => {
    const root = clone('', {
      rest: `<genid>6f8e</genid><sysinfo type='smbios'><system><entry name='uuid'>0</entry><entry name='serial'>7</entry></system></sysinfo>
        <metadata><o:os xmlns:o='urn:os'>linux</o:os><hypersdk:restore xmlns:hypersdk='urn:hypersdk:restore' by='another'/></metadata>`,
    });
    expect([childNamed(root, 'name')?.text, childNamed(root, 'uuid')?.text, childNamed(root, 'genid')?.text]).toEqual(['new & shiny', UUID, '']);
    expect(childNamed(root, 'sysinfo', 'system')?.children.map(({ text }) => text)).toEqual([UUID, '7']);
    expect(childNamed(root, 'metadata')?.children.map(({ name }) => name)).toEqual(['o:os', 'hypersdk:restore']);
    expect(attributesOf(childNamed(root, 'metadata', 'hypersdk:restore'))).toMatchObject({ by: 'hypersdk-RUN-1.restore' });
    expect(childrenNamed(root, 'uuid')).toHaveLength(1);
  });

  test('has its own image where the source has one, at the same place and with the same settings', () => {
    const disk = device(`<disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/><source dev='/dev/vg/old'/><backingStore/>
      <target dev='vda' bus='virtio'/><serial>S1</serial><address type='pci' slot='0x04'/></disk>`);
    expect(attributesOf(disk)).toEqual({ type: 'file', device: 'disk' });
    expect(disk.children.map(({ name }) => name)).toEqual(['driver', 'source', 'target', 'serial', 'address']);
    expect(attributesOf(childNamed(disk, 'driver'))).toEqual({ name: 'qemu', type: 'qcow2', cache: 'none' });
    expect(attributesOf(childNamed(disk, 'source'))).toEqual({ file: '/pool/new.qcow2' });
  });

  test('shares discs that nobody writes, and not floppies that both would', () => {
    const disc = `<disk type='file' device='cdrom'><source file='/iso'/><target dev='sda'/><readonly/></disk>`;
    expect(childNamed(device(disc), 'source')).toBeDefined();
    expect(childNamed(device(disc.replace('cdrom', 'floppy')), 'source')).toBeDefined();
    expect(childNamed(device(disc.replace('cdrom', 'floppy').replace('<readonly/>', '')), 'source')).toBeUndefined();
  });

  test('leaves addresses and names of its network cards to libvirt, and not what they are connected to', () => {
    const nic = device(`<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='tap0'/><model type='virtio'/>
      <virtualport type='openvswitch'><parameters interfaceid='0' profileid='p'/></virtualport></interface>`);
    expect(nic.children.map(({ name }) => name)).toEqual(['source', 'model', 'virtualport']);
    expect(attributesOf(childNamed(nic, 'virtualport', 'parameters'))).toEqual({ profileid: 'p' });
  });

  test('listens where its source does not', () => {
    expect(attributesOf(device(`<graphics type='vnc' port='5901' autoport='no' passwd='x'/>`))).toEqual({
      type: 'vnc',
      autoport: 'yes',
      passwd: 'x',
    });
    const screen = device(`<graphics type='spice'><listen type='socket' socket='/run/s.sock'/></graphics>`);
    expect(attributesOf(childNamed(screen, 'listen'))).toEqual({ type: 'socket' });
    const serial = device(`<serial type='unix'><source mode='bind' path='/s'/><log file='/l'/><target port='0'/></serial>`);
    expect([serial.attributes.get('type'), serial.children.map(({ name }) => name)]).toEqual(['pty', ['target']]);
    const channel = device(`<channel type='unix'><source mode='bind' path='/c'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`);
    expect([channel.attributes.get('type'), channel.children.map(({ name }) => name)]).toEqual(['unix', ['target']]);
    const agent = `<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>`;
    expect(device(agent)).toEqual(childNamed(parseXml(`<a>${agent}</a>`), 'channel'));
  });

  test('keeps variables of UEFI apart: a copy at its own place, or new ones of the same kind', () => {
    const rest = `<os><nvram type='file' template='/T.fd' format='raw'><source file='/old.fd'/></nvram></os>`;
    const variablesOf = (root: XmlElement): object => ({
      ...attributesOf(childNamed(root, 'os', 'nvram')),
      text: childNamed(root, 'os', 'nvram')?.text,
    });
    expect(variablesOf(clone('', { rest }))).toEqual({ template: '/T.fd', format: 'raw', text: '' });
    expect(variablesOf(clone('', { rest, variables: '/pool/new.fd' }))).toEqual({ template: '/T.fd', format: 'raw', text: '/pool/new.fd' });
  });
});

test('what cannot be had twice or is not copied is said', () => {
  const said = (text: string, copiesVariables = false): string =>
    differencesOfClone(parseXml(`<domain>${text}</domain>`), { copiesVariables }).join(' ');
  expect(said('<devices/>')).toBe('');
  expect(said(`<os firmware='efi'/>`)).toMatch(/UEFI/);
  expect(said(`<os firmware='efi'/>`, true)).toBe('');
  expect(said(`<devices><tpm/><hostdev/><filesystem/></devices><qemu:commandline/>`)).toMatch(/trusted platform.*devices of the host.*QEMU.*Folders/);
});

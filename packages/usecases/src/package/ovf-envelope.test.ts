import { GIB, toConnectionId, toDiskId, toVMId, type ExportedDisk, type VMInfo } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeEnvelope } from './ovf-envelope.ts';
import { seatDisks } from './ovf-storage.ts';

const vmWith = (parts: Partial<VMInfo>): VMInfo => ({
  id: toVMId('vm'),
  name: 'web-01',
  provider: 'memory',
  connection: toConnectionId('c'),
  powerState: 'stopped',
  firmware: 'unknown',
  disks: [],
  nics: [],
  tags: {},
  ...parts,
});

const disk = (id: string, index: number, virtualSize = GIB): ExportedDisk => ({
  id: toDiskId(id),
  label: id,
  file: `disk-${index}.vmdk`,
  leaves: `disk-${index}.vmdk.leaves`,
  format: 'vmdk',
  fileSize: 1000 + index,
  containerDigest: 'ab'.repeat(32),
  content: { algorithm: 'sha256', leafSize: 4194304, virtualSize, root: 'cd'.repeat(32) },
  source: { location: id, mark: 'm' },
});
const disksOf = (...ids: readonly string[]): ExportedDisk[] => ids.map((id, index) => disk(id, index));

/** The property of every item, in the order of the items; `-` where one has none. */
const column = (text: string, name: string): string[] =>
  [...text.matchAll(/<Item>(.*?)<\/Item>/gs)].map((item) => new RegExp(`<rasd:${name}>(.*?)<`).exec(item[1] ?? '')?.[1] ?? '-');

describe('an envelope', () => {
  test('names files, disks and sizes in one order', () => {
    const text = writeEnvelope(vmWith({}), [disk('a', 0), disk('b', 1, 1000)]);
    expect([...text.matchAll(/<File ([^>]*)\/>/g)].map(([, attributes]) => attributes)).toEqual([
      'ovf:href="disk-0.vmdk" ovf:id="file1" ovf:size="1000"',
      'ovf:href="disk-1.vmdk" ovf:id="file2" ovf:size="1001"',
    ]);
    expect([...text.matchAll(/ovf:capacity="(\d+)".*?ovf:diskId="(\w+)" ovf:fileRef="(\w+)"/g)].map((match) => match.slice(1))).toEqual([
      [String(GIB), 'vmdisk1', 'file1'],
      ['1024', 'vmdisk2', 'file2'],
    ]);
  });

  test('describes processors, memory, controllers, disks and network cards', () => {
    const nics = [{ id: 'n', mac: '52:54:00:00:00:01', network: 'dmz' }, { id: 'o' }];
    const text = writeEnvelope(vmWith({ cpus: 4, memory: 3 * GIB, nics }), disksOf('scsi0:0', 'scsi1:3'));
    expect(column(text, 'ResourceType')).toEqual(['3', '4', '6', '6', '17', '17', '10', '10']);
    expect(column(text, 'InstanceID')).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(column(text, 'VirtualQuantity').slice(0, 2)).toEqual(['4', '3072']);
    expect(column(text, 'Parent').slice(4, 6)).toEqual(['3', '4']);
    expect(column(text, 'AddressOnParent').slice(4, 6)).toEqual(['0', '3']);
    expect(column(text, 'Connection').slice(6)).toEqual(['dmz', 'VM Network']);
    expect([...text.matchAll(/<Network ovf:name="(.*?)"/g)].map((match) => match[1])).toEqual(['dmz', 'VM Network']);
  });

  test('lists the properties of an item in the order of the schema', () => {
    const text = writeEnvelope(vmWith({ nics: [{ id: 'n', mac: '52:54:00:00:00:01' }] }), disksOf('a'));
    for (const [item] of text.matchAll(/<Item>.*?<\/Item>/gs)) {
      const names = [...item.matchAll(/<rasd:(\w+)>/g)].map((match) => match[1]);
      expect(names).toEqual([...new Set(names)].toSorted((a = '', b = '') => (a < b ? -1 : 1)));
    }
  });

  test('asks for the newest hardware only when the VM needs it', () => {
    const typeOf = (vm: VMInfo, ...ids: readonly string[]): string | undefined =>
      /VirtualSystemType>(.*?)</.exec(writeEnvelope(vm, disksOf(...ids)))?.[1];
    expect(typeOf(vmWith({ firmware: 'uefi' }), 'a')).toBe('vmx-10');
    expect(typeOf(vmWith({ firmware: 'uefi', secureBoot: true }), 'a')).toBe('vmx-13');
    expect(typeOf(vmWith({}), 'nvme0:0')).toBe('vmx-13');
  });

  test('says what the firmware is when it is known', () => {
    const configs = (vm: VMInfo): string[] =>
      [...writeEnvelope(vm, disksOf('a')).matchAll(/vmw:key="(.*?)" vmw:value="(.*?)"/g)].map((match) => match.slice(1).join('='));
    expect(configs(vmWith({}))).toEqual([]);
    expect(configs(vmWith({ firmware: 'bios' }))).toEqual(['firmware=bios']);
    expect(configs(vmWith({ firmware: 'uefi', secureBoot: true }))).toEqual(['firmware=efi', 'bootOptions.efiSecureBootEnabled=true']);
  });

  test.each([
    ['rhel9_64Guest', '101', ' vmw:osType="rhel9_64Guest"'],
    ['http://debian.org/debian/12', '101', ''],
    ['windows9Server64Guest', '1', ' vmw:osType="windows9Server64Guest"'],
    ['"><x/>Guest', '1', ''],
  ])('of the system %s says %s', (os, id, vendor) => {
    expect(writeEnvelope(vmWith({ os }), disksOf('a'))).toContain(`<OperatingSystemSection ovf:id="${id}"${vendor}>`);
  });

  test('whatever a VM is called, no markup comes of it', () => {
    const bare = writeEnvelope(vmWith({ name: 'x', os: 'x', nics: [{ id: 'n', network: 'x' }] }), disksOf('a'));
    const shape = (text: string): string[] => text.match(/<[^\s>]+/g) ?? [];
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const text = writeEnvelope(vmWith({ name, os: name, nics: [{ id: 'n', network: name }] }), disksOf('a'));
        expect(shape(text)).toEqual(shape(bare));
        expect(text).not.toMatch(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/);
      }),
    );
  });
});

describe('disks are seated', () => {
  const spell = (ids: readonly string[]): string[] => seatDisks(ids).map(({ bus, controller, unit }) => `${bus}${controller}:${unit}`);

  test('where they were, when all of them can be', () => {
    expect(spell(['scsi0:0', 'ide1:1', 'nvme0:3', 'sata0:29'])).toEqual(['scsi0:0', 'ide1:1', 'nvme0:3', 'sata0:29']);
  });

  test.each([
    ['names of another platform', ['vda', 'scsi0:0']],
    ['the seat of the controller itself', ['scsi0:7', 'scsi0:0']],
    ['a seat that does not exist', ['ide0:2', 'ide0:0']],
    ['a seat twice', ['scsi0:0', 'scsi0:0']],
  ])('on SATA after %s', (_, ids) => {
    expect(spell(ids)).toEqual(['sata0:0', 'sata0:1']);
  });

  test('on a second controller when the first is full', () => {
    expect(spell(Array.from({ length: 31 }, (_, index) => `d${index}`)).at(-1)).toBe('sata1:0');
  });
});

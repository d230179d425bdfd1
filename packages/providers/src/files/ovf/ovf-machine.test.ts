import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { GIB, HyperError, MIB } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { buildOvf, DISK, DISK_ITEM, FILE, item } from './build-ovf.ts';
import { parseOvfMachine } from './ovf-machine.ts';

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

describe('a descriptor that is read', () => {
  test('as VMware writes it', () => {
    expect(parseOvfMachine(fixture('vmware.ovf'))).toEqual({
      name: 'app-01',
      os: 'rhel9_64Guest',
      cpus: 4,
      memory: 8 * GIB,
      firmware: 'uefi',
      secureBoot: true,
      disks: [
        { id: 'scsi0:0', file: 'app-01-disk1.vmdk', format: 'vmdk' },
        { id: 'nvme1:2', file: 'app%2001-disk2.vmdk', format: 'vmdk' },
      ],
      elsewhere: ['scsi0:1 is to be made empty and has no file'],
      nics: [{ id: 'nic0', network: 'VM Network' }],
    });
  });

  test('as VirtualBox writes it', () => {
    expect(parseOvfMachine(fixture('virtualbox.ovf'))).toEqual({
      name: 'desk',
      uuid: 'e6a2e4c7-0d44-4c4b-8f4d-9ad1d7f1f7a4',
      os: 'Debian_64',
      cpus: 2,
      memory: 2 * GIB,
      firmware: 'uefi',
      disks: [{ id: 'sata0:0', file: 'desk-disk001.vmdk', format: 'vmdk' }],
      elsewhere: [],
      nics: [{ id: 'nic0', mac: '08:00:27:a1:b2:c3', network: 'NAT' }],
    });
  });

  test('with the items of version 2', () => {
    const hardware =
      DISK_ITEM.replaceAll(/\bItem\b/g, 'StorageItem') +
      item({ InstanceID: 3, ResourceType: 10, Address: '52-54-00-01-02-03' }).replaceAll(/\bItem\b/g, 'EthernetPortItem');
    expect(parseOvfMachine(buildOvf({ hardware }))).toMatchObject({ disks: [{ id: 'd1', file: 'disk.vmdk' }], nics: [{ mac: '52:54:00:01:02:03' }] });
  });

  test('with a VM in a collection of one', () => {
    const system = `<VirtualSystemCollection ovf:id="vapp"><VirtualSystem ovf:id="inner"><VirtualHardwareSection>${DISK_ITEM}</VirtualHardwareSection></VirtualSystem></VirtualSystemCollection>`;
    expect(parseOvfMachine(buildOvf({ system })).name).toBe('inner');
  });

  test('with deployment options, of which the default counts', () => {
    const memory = (quantity: number, configuration: string): string =>
      item(
        { InstanceID: quantity, ResourceType: 4, VirtualQuantity: quantity, AllocationUnits: 'byte * 2^20' },
        ` ovf:configuration="${configuration}"`,
      );
    const hardware = `${memory(1024, 'small')}${memory(4096, 'large')}${DISK_ITEM}`;
    const options =
      '<DeploymentOptionSection><Configuration ovf:id="small"/><Configuration ovf:id="large" ovf:default="true"/></DeploymentOptionSection>';
    expect(parseOvfMachine(buildOvf({ hardware, more: options })).memory).toBe(4 * GIB);
  });

  test('with controllers that do not say their number', () => {
    const controller = (id: number): string => item({ InstanceID: id, ResourceType: 6, ResourceSubType: 'lsilogic' });
    const second = DISK.replaceAll('d1', 'd2').replace('file1', 'file2');
    const disk = (id: string, parent: number): string =>
      item({ InstanceID: 20 + parent, ResourceType: 17, HostResource: `/disk/${id}`, Parent: parent, AddressOnParent: 0 });
    const text = buildOvf({
      files: `${FILE}<File ovf:id="file2" ovf:href="b.vmdk"/>`,
      disks: DISK + second,
      hardware: controller(3) + controller(4) + disk('d1', 3) + disk('d2', 4),
    });
    expect(parseOvfMachine(text).disks.map(({ id }) => id)).toEqual(['scsi0:0', 'scsi1:0']);
  });

  test('with two controllers that both say they are the second', () => {
    const controller = (id: number): string => item({ InstanceID: id, ResourceType: 6, ResourceSubType: 'lsilogic', Address: 1 });
    const second = DISK.replaceAll('d1', 'd2').replace('file1', 'file2');
    const disk = (id: string, parent: number): string =>
      item({ InstanceID: 20 + parent, ResourceType: 17, HostResource: `/disk/${id}`, Parent: parent, AddressOnParent: 0 });
    const text = buildOvf({
      files: `${FILE}<File ovf:id="file2" ovf:href="b.vmdk"/>`,
      disks: DISK + second,
      hardware: controller(3) + controller(4) + disk('d1', 3) + disk('d2', 4),
    });
    expect(parseOvfMachine(text).disks.map(({ id }) => id)).toEqual(['scsi1:0', 'scsi0:0']);
  });

  test('two disks in one place are told apart by their own ids', () => {
    const second = DISK.replaceAll('d1', 'd2').replace('file1', 'file2');
    const disk = (id: string): string => item({ InstanceID: 20, ResourceType: 17, HostResource: `/disk/${id}`, Parent: 3, AddressOnParent: 0 });
    const text = buildOvf({
      files: `${FILE}<File ovf:id="file2" ovf:href="b.vmdk"/>`,
      disks: DISK + second,
      hardware: item({ InstanceID: 3, ResourceType: 6, Address: 0 }) + disk('d1') + disk('d2'),
    });
    expect(parseOvfMachine(text).disks.map(({ id }) => id)).toEqual(['scsi0:0', 'd2']);
  });

  test.each([
    ['512', 'MegaBytes', 512 * MIB],
    ['512', 'byte * 2^20', 512 * MIB],
    ['512', 'byte*2^20', 512 * MIB],
    ['536870912', 'byte', 512 * MIB],
    ['1', 'GigaBytes', GIB],
    ['2', 'byte * 1073741824', 2 * GIB],
    ['1000', 'byte * 10^6', 1_000_000_000],
  ])('%s of %s is %s bytes of memory', (quantity, unit, memory) => {
    const hardware = item({ InstanceID: 1, ResourceType: 4, VirtualQuantity: quantity, AllocationUnits: unit });
    expect(parseOvfMachine(buildOvf({ hardware })).memory).toBe(memory);
  });
});

const vm = (id: string): string => `<VirtualSystem ovf:id="${id}"><VirtualHardwareSection/></VirtualSystem>`;
const href = (name: string): string => buildOvf({ files: `<File ovf:id="file1" ovf:href="${name}"/>` });
const capacity = (attributes: string): string => buildOvf({ disks: `<Disk ovf:diskId="d1" ovf:fileRef="file1" ${attributes}/>` });
const many = (count: number, make: (at: number) => string): string => Array.from({ length: count }, (_, at) => make(at)).join('');

const HOSTILE: readonly (readonly [what: string, code: string, text: string])[] = [
  ['no XML', 'document/malformed', 'MZ'],
  ['an external entity', 'document/malformed', `<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>${buildOvf({ name: '&x;' })}`],
  ['entities that grow', 'document/malformed', `<!DOCTYPE e [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${buildOvf({ name: '&b;' })}`],
  ['a style sheet', 'document/malformed', `<?xml-stylesheet href="http://192.0.2.1/"?>${buildOvf()}`],
  ['deep collections', 'document/malformed', buildOvf({ system: '<VirtualSystemCollection>'.repeat(70) + '</VirtualSystemCollection>'.repeat(70) })],
  ['more elements than any VM', 'document/malformed', buildOvf({ more: '<x/>'.repeat(60_000) })],
  ['another document', 'ovf/not-an-envelope', '<domain><name>a</name></domain>'],
  ['no VM', 'ovf/no-vm', buildOvf({ system: '<Other/>' })],
  ['a VM without hardware', 'ovf/no-vm', buildOvf({ system: '<VirtualSystem ovf:id="a"/>' })],
  ['a VM without a name', 'ovf/no-vm', buildOvf({ system: '<VirtualSystem><VirtualHardwareSection/></VirtualSystem>' })],
  ['a name of nothing to see', 'ovf/no-vm', buildOvf({ system: '<VirtualSystem><Name>&#x200B;</Name><VirtualHardwareSection/></VirtualSystem>' })],
  ['two VMs', 'ovf/several-vms', buildOvf({ system: `<VirtualSystemCollection>${vm('a')}${vm('b')}</VirtualSystemCollection>` })],
  ['thousands of collections', 'ovf/too-many', buildOvf({ system: many(300, () => '<VirtualSystemCollection/>') })],
  ['a file twice', 'ovf/duplicate-id', buildOvf({ files: FILE + FILE })],
  ['a disk twice', 'ovf/duplicate-id', buildOvf({ disks: DISK + DISK })],
  ['a disk used twice', 'ovf/duplicate-id', buildOvf({ hardware: DISK_ITEM + DISK_ITEM })],
  ['a controller twice', 'ovf/duplicate-id', buildOvf({ hardware: many(2, () => item({ InstanceID: 3, ResourceType: 6 })) })],
  ['a file above', 'ovf/unsafe-reference', href('../disk.vmdk')],
  ['a file above, encoded', 'ovf/unsafe-reference', href('%2e%2e%2fdisk.vmdk')],
  ['a file above, encoded twice over', 'ovf/unsafe-reference', href('..%2Fdisk.vmdk')],
  ['an absolute path', 'ovf/unsafe-reference', href('/etc/shadow')],
  ['a web address', 'ovf/unsafe-reference', href('http://192.0.2.1/disk.vmdk')],
  ['a file address', 'ovf/unsafe-reference', href('file:///etc/shadow')],
  ['a name for qemu', 'ovf/unsafe-reference', href('json:{&quot;driver&quot;:&quot;nbd&quot;}')],
  ['a drive', 'ovf/unsafe-reference', href('C:\\disk.vmdk')],
  ['the folder above', 'ovf/unsafe-reference', href('..')],
  ['an empty name', 'ovf/unsafe-reference', href('')],
  ['a NUL, encoded', 'ovf/unsafe-reference', href('disk.vmdk%00.iso')],
  ['a name without end', 'ovf/unsafe-reference', href('n'.repeat(300))],
  ['a file without a name', 'ovf/unsafe-reference', buildOvf({ files: '<File ovf:id="file1"/>' })],
  ['a file without an id', 'ovf/unknown-reference', buildOvf({ files: '<File ovf:href="disk.vmdk"/>' })],
  ['a disk without an id', 'ovf/unknown-reference', buildOvf({ disks: '<Disk ovf:capacity="1"/>' })],
  ['a disk in a file that is not there', 'ovf/unknown-reference', buildOvf({ files: '' })],
  ['hardware with a disk that is not there', 'ovf/unknown-reference', buildOvf({ disks: '' })],
  ['hardware with a disk from elsewhere', 'ovf/unknown-reference', buildOvf({ hardware: item({ ResourceType: 17, HostResource: '/dev/sda' }) })],
  [
    'hardware with a disk called as an object calls things',
    'ovf/unknown-reference',
    buildOvf({ hardware: item({ ResourceType: 17, HostResource: '/disk/__proto__' }) }),
  ],
  ['a disk without a size', 'ovf/malformed-number', capacity('')],
  ['a negative size', 'ovf/malformed-number', capacity('ovf:capacity="-1"')],
  ['a size that is a property', 'ovf/malformed-number', capacity('ovf:capacity="${disksize}"')],
  ['a size beyond all disks', 'ovf/malformed-number', capacity('ovf:capacity="9999999999" ovf:capacityAllocationUnits="byte * 2^60"')],
  ['a unit that nobody knows', 'ovf/malformed-number', capacity('ovf:capacity="1" ovf:capacityAllocationUnits="parsec"')],
  ['a unit called as an object calls things', 'ovf/malformed-number', capacity('ovf:capacity="1" ovf:capacityAllocationUnits="constructor"')],
  ['memory in hertz', 'ovf/malformed-number', buildOvf({ hardware: item({ ResourceType: 4, VirtualQuantity: 1, AllocationUnits: 'hertz * 10^6' }) })],
  ['a disk in gzip', 'ovf/unsupported-disk', buildOvf({ files: '<File ovf:id="file1" ovf:href="disk.vmdk.gz" ovf:compression="gzip"/>' })],
  ['a disk in chunks', 'ovf/unsupported-disk', buildOvf({ files: '<File ovf:id="file1" ovf:href="disk.vmdk" ovf:chunkSize="1048576"/>' })],
  ['a disk on top of another', 'ovf/unsupported-disk', capacity('ovf:capacity="1" ovf:parentRef="d0"')],
  ['hundreds of files', 'ovf/too-many', buildOvf({ files: many(600, (at) => `<File ovf:id="f${at}" ovf:href="f${at}"/>`) })],
  ['hundreds of disks', 'ovf/too-many', buildOvf({ disks: many(600, (at) => `<Disk ovf:diskId="d${at}" ovf:capacity="1"/>`) })],
  ['thousands of items', 'ovf/too-many', buildOvf({ hardware: many(2500, () => item({ ResourceType: 1 })) })],
];

describe('a descriptor that is refused', () => {
  test.each(HOSTILE)('%s: %s', (_, code, text) => {
    const begun = performance.now();
    expect(() => parseOvfMachine(text)).toThrow(expect.objectContaining({ code }));
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  test('whatever is cut out of a descriptor, the rest is read or refused', () => {
    const whole = fixture('vmware.ovf');
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(400), (start, length) => {
        try {
          for (const { file } of parseOvfMachine(whole.slice(0, start) + whole.slice(start + length)).disks) expect(file).not.toMatch(/[/\\:]/);
        } catch (reason) {
          expect(reason).toBeInstanceOf(HyperError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

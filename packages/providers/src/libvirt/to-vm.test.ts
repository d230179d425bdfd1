import { readFileSync } from 'node:fs';
import { GIB } from '@hypersdk/domain';
import { parseXml } from '@hypersdk/wire';
import { describe, expect, test } from 'vitest';
import { type DomainFigures, DomainState, toVM } from './to-vm.ts';

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
const whereabouts = { connection: 'qemu:///system', hostname: 'host-7' };
const figures = (given: Partial<DomainFigures> = {}): DomainFigures => ({
  state: DomainState.off,
  hasSavedMemory: false,
  sizes: new Map(),
  ...given,
});
const describeXml = (xml: string, given: Partial<DomainFigures> = {}) => toVM(parseXml(xml), figures(given), whereabouts);
const domain = (devices: string): string =>
  `<domain><name>a</name><uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid><devices>${devices}</devices></domain>`;

test('a running domain as libvirt describes it', () => {
  const sizes = new Map([
    ['vda', { capacity: 40 * GIB, allocation: 0, physical: 3 * GIB }],
    ['vdb', { capacity: 10 * GIB, allocation: GIB, physical: 10 * GIB }],
    ['vdc', { capacity: 5 * GIB, allocation: 5 * GIB, physical: 5 * GIB }],
  ]);
  expect(describeXml(fixture('running.xml'), { state: DomainState.running, sizes })).toEqual({
    vm: {
      id: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0',
      name: 'web-01',
      provider: 'libvirt',
      connection: 'qemu:///system',
      powerState: 'running',
      cpus: 2,
      memory: 4 * GIB,
      os: 'http://debian.org/debian/12',
      arch: 'x86_64',
      machine: 'pc-q35-7.2',
      firmware: 'uefi',
      secureBoot: true,
      tpm: true,
      guestAgent: 'connected',
      disks: [
        {
          id: 'vda',
          label: 'vda',
          virtualSize: 40 * GIB,
          allocatedSize: 3 * GIB,
          format: 'qcow2',
          location: '/images/web-01.snap',
          bootOrder: 1,
          bus: 'virtio',
          backing: ['/images/web-01.qcow2', '/images/base.raw'],
        },
        { id: 'vdb', label: 'vdb', virtualSize: 10 * GIB, allocatedSize: GIB, format: 'raw', location: 'rbd:pool/web-01-logs', bus: 'virtio' },
        { id: 'vdc', label: 'vdc', virtualSize: 5 * GIB, allocatedSize: 5 * GIB, format: 'raw', location: 'default/web-01-swap.raw', bus: 'virtio' },
      ],
      nics: [{ id: 'nic0', mac: '52:54:00:6b:3c:58', network: 'default' }],
      tags: {},
      path: 'host-7',
    },
    problems: [
      'web-01: the disk sda is passed through from the host and is left out.',
      'web-01: the size of the disk vdd (/dev/vg/gone) is not known, and it is left out.',
    ],
  });
});

test.each([
  [DomainState.none, false, 'unknown'],
  [DomainState.running, false, 'running'],
  [DomainState.blocked, false, 'running'],
  [DomainState.paused, false, 'suspended'],
  [DomainState.shutdown, false, 'running'],
  [DomainState.off, false, 'stopped'],
  [DomainState.off, true, 'suspended'],
  [DomainState.crashed, false, 'stopped'],
  [DomainState.pmSuspended, false, 'suspended'],
  [99, false, 'unknown'],
])('state %i with saved memory %s is %s', (state, hasSavedMemory, powerState) => {
  expect(describeXml(domain(''), { state, hasSavedMemory }).vm.powerState).toBe(powerState);
});

describe('what is no disk to copy', () => {
  test.each([
    ['an empty drive', `<disk device='cdrom'><target dev='sda'/></disk>`, []],
    ['a floppy', `<disk device='floppy'><source file='/f'/><target dev='fda'/></disk>`, []],
    ['a disk without content', `<disk><target dev='vda'/></disk>`, [/vda has no content/]],
    ['a disk without a name', `<disk><source file='/f'/></disk>`, [/without a name/]],
    ['a disk of the host', `<disk type='block' device='lun'><source dev='/dev/sda'/><target dev='sda'/></disk>`, [/sda is passed through/]],
  ])('%s', (_, xml, problems) => {
    const described = describeXml(domain(xml));
    expect(described.vm.disks).toEqual([]);
    expect(described.problems).toEqual(problems.map((problem) => expect.stringMatching(problem)));
  });
});

test('an answer about something else is refused', () => {
  expect(() => describeXml('<network><name>default</name></network>')).toThrow(/not the description of a VM/);
  expect(() => describeXml('<domain><name>a</name></domain>')).toThrow(/not the description of a VM/);
});

test.each([
  [`<target dev='vda' bus='virtio'/>`, '', 'virtio'],
  [`<target dev='hda'/>`, '', 'ide'],
  [`<target dev='sda' bus='sata'/>`, '', 'sata'],
  [`<target dev='sda' bus='scsi'/>`, `<controller type='scsi' model='virtio-scsi'/>`, 'virtio-scsi'],
  [`<target dev='sda' bus='scsi'/>`, `<controller type='scsi' model='lsilogic'/><controller type='usb' model='virtio'/>`, 'scsi'],
  [`<target dev='fda' bus='fdc'/>`, '', undefined],
])('%s with %s hangs on %s', (target, controllers, bus) => {
  const dev = /dev='(\w+)'/.exec(target)?.[1] ?? '';
  const devices = `<disk type='file'><source file='/a'/>${target}</disk>${controllers}`;
  expect(describeXml(domain(devices), { sizes: new Map([[dev, { capacity: GIB }]]) }).vm.disks[0]?.bus).toBe(bus);
});

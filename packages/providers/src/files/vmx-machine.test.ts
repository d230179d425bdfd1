import { readFileSync } from 'node:fs';
import { GIB } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { parseVmxMachine } from './vmx-machine.ts';

const machine = (...lines: readonly string[]) => parseVmxMachine(new TextEncoder().encode(['displayName = "a"', ...lines].join('\n')));

test('a machine as VMware writes it', () => {
  expect(parseVmxMachine(readFileSync(new URL('fixtures/db-01.vmx', import.meta.url)))).toEqual({
    name: 'db-01 "blue"',
    uuid: '564d1c2a-9b0e-7731-8a55-c240136f9ed1',
    cpus: 4,
    memory: 8 * GIB,
    os: 'rhel9-64',
    firmware: 'uefi',
    secureBoot: true,
    disks: [
      { id: 'nvme0:0', file: '../elsewhere/fast.vmdk', format: 'vmdk', bootOrder: 2 },
      { id: 'scsi0:0', file: 'db-01.vmdk', format: 'vmdk', bootOrder: 1 },
      { id: 'scsi0:2', file: '/vmfs/volumes/datastore1/db-01/db-01_1.vmdk', format: 'vmdk' },
      { id: 'scsi0:10', file: 'C:\\Virtual Machines\\db-01\\db-01_log.vmdk', format: 'vmdk' },
    ],
    elsewhere: [],
    nics: [
      { id: 'ethernet0', mac: '00:0c:29:6f:9e:d1', network: 'VM Network' },
      { id: 'ethernet1', mac: '00:50:56:11:22:33', network: 'bridged' },
    ],
  });
});

test('what is not said is what VMware takes', () => {
  expect(machine()).toEqual({ name: 'a', cpus: 1, firmware: 'bios', disks: [], elsewhere: [], nics: [] });
});

test('a disk that is no image is told', () => {
  expect(machine('scsi0:0.fileName = "/dev/sda"')?.elsewhere).toEqual(['scsi0:0 is no disk image']);
});

test('figures that cannot be are left out', () => {
  expect(machine('memsize = "-5"', 'numvcpus = "99999999"', 'uuid.bios = "no"', 'ethernet0.present = "TRUE"', 'ethernet0.address = "here"')).toEqual({
    name: 'a',
    firmware: 'bios',
    disks: [],
    elsewhere: [],
    nics: [{ id: 'ethernet0' }],
  });
});

test('a file without a name is no VM', () => {
  expect(parseVmxMachine(new TextEncoder().encode('memsize = "512"'))).toBeUndefined();
});

import { expect, test } from 'vitest';
import { parseAddressConfig } from './address-config.ts';

test('addresses are put together to VMs', () => {
  const vms = [{ name: 'web-01', disks: ['nbd://host/a', 'nbd://host/b'] }, { disks: ['nbd://host/c'] }];
  expect(parseAddressConfig({ vms, pointInTime: 'monday' })).toEqual({ vms, pointInTime: 'monday', allowsPlaintext: false, isSingle: false });
});

test.each([
  [undefined, 'an object'],
  [[], 'an object'],
  [{ pointInTime: 'x' }, 'vms'],
  [{ vms: [], pointInTime: 'x' }, 'vms'],
  [{ vms: [{ disks: [] }], pointInTime: 'x' }, '1 to 256 disks'],
  [{ vms: [{ disks: ['a\0b'] }], pointInTime: 'x' }, 'a disk'],
  [{ vms: [{ disks: ['a'], size: 5 }], pointInTime: 'x' }, 'nothing else'],
  [{ vms: [{ disks: ['a'] }] }, 'pointInTime'],
  [{ vms: [{ disks: ['a'] }], pointInTime: 'x', isSingle: 1 }, 'true or false'],
  [{ vms: [{ disks: ['a'] }], pointInTime: 'x', colour: 'red' }, 'no field "colour"'],
])('%j is refused: %s', (config, why) => {
  expect(() => parseAddressConfig(config)).toThrow(expect.objectContaining({ code: 'usage/invalid', message: expect.stringContaining(why) }));
});

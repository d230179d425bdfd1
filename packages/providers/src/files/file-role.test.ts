import { expect, test } from 'vitest';
import { formatByName, roleOf, stemOf, vmdkOfPart } from './file-role.ts';

test.each([
  ['web-01.qcow2', 'image', 'qcow2'],
  ['WEB-01.VMDK', 'image', 'vmdk'],
  ['web-01.vhd', 'image', 'vhd'],
  ['web-01.vhdx', 'image', 'vhdx'],
  ['web-01_6B29FC40.avhdx', 'image', 'vhdx'],
  ['web-01.vdi', 'image', 'vdi'],
  ['web-01.raw', 'image', 'raw'],
  ['web-01.img', 'image', undefined],
  ['web-01.xml', 'descriptor', undefined],
  ['web-01.vmx', 'descriptor', undefined],
  ['web-01.qcow2.partial.3', 'other', undefined],
  ['web-01.qcow2.001', 'image', 'qcow2'],
  ['web-01.qcow2.002', 'other', 'qcow2'],
  ['web-01.raw.age', 'image', 'raw'],
  ['web-01.vmdk.age.001', 'image', 'vmdk'],
  ['notes.txt.age', 'other', undefined],
  ['backup.001', 'other', undefined],
  ['.hidden', 'other', undefined],
  ['.hidden.qcow2', 'other', 'qcow2'],
  ['debian.iso', 'other', undefined],
  ['noending', 'other', undefined],
  ['constructor', 'other', undefined],
  ['x.constructor', 'other', undefined],
])('%s is %s of format %s', (name, role, format) => {
  expect(roleOf(name)).toBe(role);
  expect(formatByName(name)).toBe(format);
});

test.each(['db-flat', 'db-s001', 'db-f002', 'db-delta', 'db-sesparse', 'db-ctk', 'db-rdm', 'db-rdmp'])('%s.vmdk is a part of db.vmdk', (stem) => {
  expect(vmdkOfPart(`${stem}.vmdk`)).toBe('db.vmdk');
});

test('other names are no parts', () => {
  for (const name of ['db.vmdk', 'db-000001.vmdk', 'db-flat.raw', '-flat.vmdk']) expect(vmdkOfPart(name)).toBeUndefined();
});

test('a name loses its ending, and nothing more', () => {
  expect(['web.01.qcow2', 'web', 'web.'].map(stemOf)).toEqual(['web.01', 'web', 'web']);
});

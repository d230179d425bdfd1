import { expect, test } from 'vitest';
import { writeDomain } from './domain-xml.ts';

test('disks are described in their order, as qcow2 and nothing else', () => {
  const text = writeDomain({ firmware: 'bios', disks: ['/w/disk-0.qcow2', '/w/disk-1.qcow2'] });
  expect([...text.matchAll(/<driver name='qemu' type='(\w+)'\/><source file='(.*?)'\/><target dev='(\w+)'/g)].map((match) => match.slice(1))).toEqual(
    [
      ['qcow2', '/w/disk-0.qcow2', 'sda'],
      ['qcow2', '/w/disk-1.qcow2', 'sdb'],
    ],
  );
  expect(text).not.toContain('efi');
});

test('UEFI is said, and no path gets out of its attribute', () => {
  const text = writeDomain({ firmware: 'uefi', disks: [`/it's <work> & more/disk-0.qcow2`] });
  expect(text).toContain(`<os firmware='efi'>`);
  expect(text).toContain(`file='/it&apos;s &lt;work> &amp; more/disk-0.qcow2'`);
});

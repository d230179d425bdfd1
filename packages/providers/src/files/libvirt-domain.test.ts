import { readFileSync } from 'node:fs';
import { GIB, MIB } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { parseLibvirtDomain } from './libvirt-domain.ts';

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
const domain = (inside: string): string => `<domain type='kvm'><name>a</name>${inside}</domain>`;

test('a domain as libvirt writes it', () => {
  expect(parseLibvirtDomain(fixture('web-01.xml'))).toEqual({
    name: 'web-01',
    uuid: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0',
    cpus: 2,
    memory: 4 * GIB,
    os: 'http://debian.org/debian/12',
    arch: 'x86_64',
    machine: 'pc-q35-8.2',
    firmware: 'uefi',
    secureBoot: true,
    disks: [
      { id: 'vda', file: '/var/lib/libvirt/images/web-01.qcow2', format: 'qcow2', bootOrder: 1, bus: 'virtio' },
      { id: 'vdb', file: 'disks/web-01 logs & mail.raw', format: 'raw', bootOrder: 3, bus: 'virtio' },
    ],
    elsewhere: ['vdc is no file but of type block'],
    nics: [{ id: 'nic0', mac: '52:54:00:6b:3c:58', network: 'default' }, { id: 'nic1', mac: '52:54:00:aa:bb:02', network: 'br-dmz' }, { id: 'nic2' }],
  });
});

test('a domain with little in it', () => {
  expect(parseLibvirtDomain(fixture('old-bios.xml'))).toEqual({
    name: 'old-bios',
    cpus: 1,
    memory: 512 * MIB,
    arch: 'i686',
    machine: 'pc',
    firmware: 'bios',
    disks: [{ id: 'hda', file: 'old-bios.img', bootOrder: 2, bus: 'ide' }],
    elsewhere: ['hdb is no file but of type network'],
    nics: [],
  });
});

test.each([
  [`<memory>2097152</memory>`, 2 * GIB],
  [`<memory unit='b'>2147483648</memory>`, 2 * GIB],
  [`<memory unit='bytes'>2147483648</memory>`, 2 * GIB],
  [`<memory unit='KB'>2000000</memory>`, 2_000_000_000],
  [`<memory unit='k'>2097152</memory>`, 2 * GIB],
  [`<memory unit='MB'>2000</memory>`, 2_000_000_000],
  [`<memory unit='M'>2048</memory>`, 2 * GIB],
  [`<memory unit='GB'>2</memory>`, 2_000_000_000],
  [`<memory unit='GiB'>2</memory>`, 2 * GIB],
  [`<memory unit='T'>1</memory>`, 1024 * GIB],
  [`<memory unit='pages'>1</memory>`, undefined],
  [`<memory unit='TiB'>999999999999</memory>`, undefined],
  [`<memory>-1</memory>`, undefined],
  [`<memory>0</memory>`, undefined],
  [`<memory>12e3</memory>`, undefined],
])('%s is %s bytes of memory', (xml, memory) => {
  expect(parseLibvirtDomain(domain(xml))?.memory).toBe(memory);
});

test.each([
  [`<os firmware='efi'/>`, 'uefi', undefined],
  [`<os firmware='bios'><loader type='pflash'>x</loader></os>`, 'bios', undefined],
  [`<os><loader type='pflash' secure='no'>/x.fd</loader></os>`, 'uefi', undefined],
  [`<os><loader secure='yes' type='pflash'>/x.fd</loader></os>`, 'uefi', true],
  [`<os firmware='efi'><firmware><feature name='secure-boot' enabled='no'/></firmware></os>`, 'uefi', false],
  [`<os><loader>/usr/share/edk2/ovmf/OVMF.fd</loader></os>`, 'uefi', undefined],
  [`<os><type arch='aarch64'>hvm</type></os>`, 'unknown', undefined],
  [`<os><type arch='x86_64'>hvm</type></os>`, 'bios', undefined],
  [``, 'unknown', undefined],
])('%s starts with %s, secure boot %s', (xml, firmware, secureBoot) => {
  expect(parseLibvirtDomain(domain(xml))).toMatchObject({ firmware });
  expect(parseLibvirtDomain(domain(xml))?.secureBoot).toBe(secureBoot);
});

test('what is about something else is no VM', () => {
  expect(parseLibvirtDomain('<network><name>default</name></network>')).toBeUndefined();
  expect(parseLibvirtDomain('<domain/>')).toBeUndefined();
  expect(parseLibvirtDomain('<domain><name> \n </name></domain>')).toBeUndefined();
});

test('a second disk at one place and a format that is not read are told apart from disks that are here', () => {
  const xml = `<devices><disk><driver type='qed'/><source file='a'/><target dev='vda'/></disk><disk><source file='b'/><target dev='vdb'/></disk><disk><source file='c'/><target dev='vdb'/></disk></devices>`;
  const found = parseLibvirtDomain(domain(xml));
  expect(found?.disks).toEqual([{ id: 'vdb', file: 'b', bus: 'virtio' }]);
  expect(found?.elsewhere).toHaveLength(2);
});

test('a VHD goes by the name that QEMU has for it', () => {
  const disk = (type: string): string => `<devices><disk><driver type='${type}'/><source file='a'/><target dev='vda'/></disk></devices>`;
  expect(parseLibvirtDomain(domain(disk('vpc')))?.disks).toEqual([{ id: 'vda', file: 'a', format: 'vhd', bus: 'virtio' }]);
  expect(parseLibvirtDomain(domain(disk('vdi')))?.disks).toEqual([{ id: 'vda', file: 'a', format: 'vdi', bus: 'virtio' }]);
  expect(parseLibvirtDomain(domain(disk('vhd')))?.disks).toEqual([]);
});

test('names are shown in one line and without control characters', () => {
  expect(parseLibvirtDomain(`<domain><name>web\n\t01 \u202E${'x'.repeat(1000)}</name></domain>`)?.name).toMatch(/^web 01 x{200,250}$/);
});

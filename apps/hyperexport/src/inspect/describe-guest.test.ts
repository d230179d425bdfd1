import type { GuestLook } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { describeGuest } from './describe-guest.ts';

const EMPTY: GuestLook = { table: 'none', sectorSize: 512, volumes: [], systems: [], firmwares: [], loaders: [], findings: [], complete: true };
const entry = { type: '0x83', bootable: false } as const;

test('a disk is told from its partitions to what is wrong with them', () => {
  const look: GuestLook = {
    ...EMPTY,
    table: 'gpt',
    volumes: [
      {
        place: 'partition 1',
        partition: { ...entry, number: 1, typeName: 'EFI system' },
        offset: 1024,
        size: 1024 ** 2,
        content: { kind: 'fat32', label: 'ESP', clean: true, details: {} },
      },
      {
        place: 'partition 2',
        partition: { ...entry, number: 2 },
        offset: 2048,
        size: 1024 ** 3,
        content: { kind: 'luks', details: { version: 2, cipher: 'aes' } },
      },
      {
        place: 'partition 3',
        partition: { ...entry, number: 3 },
        offset: 4096,
        size: 1024 ** 3,
        content: { kind: 'lvm-pv', details: { group: 'vg' } },
      },
      { place: 'vg/root', size: 1024 ** 3, content: { kind: 'ext4', clean: false, details: {} } },
    ],
    systems: [{ family: 'linux', name: 'Some Linux 3', volume: 'vg/root' }],
    firmwares: ['bios', 'uefi'],
    loaders: ['/EFI/BOOT/BOOTX64.EFI'],
    findings: [{ severity: 'warning', place: 'partition 3', summary: 'It overlaps partition 2.' }],
  };
  expect(describeGuest(look)).toBe(`partitions  GPT, sectors of 512 bytes
boots with  BIOS and UEFI
loader      /EFI/BOOT/BOOTX64.EFI
system      Some Linux 3 on vg/root

VOLUME        SIZE  CONTENT       LABEL  STATE                    USE
partition 1  1 MiB  fat32         ESP    clean                    EFI system
partition 2  1 GiB  LUKS2 aes                                     0x83
partition 3  1 GiB  lvm-pv of vg                                  0x83
vg/root      1 GiB  ext4                 in use or not unmounted  Some Linux 3

warning  partition 3: It overlaps partition 2.
`);
});

test('what a guest wrote does not steer the terminal', () => {
  const text = describeGuest({ ...EMPTY, systems: [{ family: 'linux', name: '\u001b[31mred\u202e', volume: 'disk\n' }], loaders: ['/EFI/\u0007'] });
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/u);
});

test('a look that ended early says so', () => {
  expect(describeGuest({ ...EMPTY, complete: false })).toContain('there may be more than is shown');
});

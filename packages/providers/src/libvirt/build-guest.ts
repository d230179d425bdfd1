import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { giveAway, type Libvirtd } from './build-libvirtd.ts';

/** Fixed by the firmware of QEMU's PC: where the power management of the PIIX4 chip is spoken to. */
const POWER_PORT = 0x600;
/** ACPI 6.5 §4.8.3: status, enable and control of the fixed features; the power button is bit 8, the bit that puts to sleep 13. */
const BUTTON = 1 << 8;
const SLEEP = 1 << 13;

/** A guest in one sector, without an operating system: it waits for the power button and switches the machine off. */
function obedientSector(): Buffer {
  const word = (value: number): readonly number[] => [value & 0xff, value >> 8];
  const code = [
    [0xba, ...word(POWER_PORT + 2)], // mov dx, enable
    [0xb8, ...word(BUTTON), 0xef], // mov ax, button; out dx, ax
    [0xfb], // sti
    [0xf4], // hlt: until the next tick of the clock
    [0xba, ...word(POWER_PORT)], // mov dx, status
    [0xed], // in ax, dx
    [0xf6, 0xc4, BUTTON >> 8], // test ah, button
    [0x74, 0xf6], // jz hlt
    [0xba, ...word(POWER_PORT + 4)], // mov dx, control
    [0xb8, ...word(SLEEP), 0xef], // mov ax, sleep type 0 and the bit that makes it so; out dx, ax
    [0xeb, 0xfe], // jmp here
  ].flat();
  return sectorOf(code);
}

/** A guest that does nothing, and hears nothing. */
const deafSector = (): Buffer => sectorOf([0xfb, 0xf4, 0xeb, 0xfc]);

/** A guest that writes 4 KiB eighteen times a second, each time other bytes and 64 KiB further on, round and round the first 32 MiB. */
function writingSector(): Buffer {
  const code = [
    [0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb], // ds = ss = 0, sp = 7c00, sti
    [0xff, 0x06, 0x80, 0x7c], // inc word [7c80], which is part of what is written
    [0x81, 0x06, 0x38, 0x7c, 0x80, 0x00], // add word [7c38], 128: the sector to write to
    [0xbe, 0x30, 0x7c, 0xb8, 0x00, 0x43, 0xb2, 0x80, 0xcd, 0x13], // si = 7c30, ax = 4300, dl = 80, int 13: extended write
    [0xf4, 0xeb, 0xe9], // hlt, jmp to the first inc
  ].flat();
  const sector = sectorOf(code);
  // BIOS Enhanced Disk Drive, disk address packet: its size, 8 sectors from 0000:7c00, to the sector 8192.
  sector.set([0x10, 0, 8, 0, 0x00, 0x7c, 0, 0, 0x00, 0x20], 0x30);
  return sector;
}

/** What the guest that talks says when it starts: on its serial line, and on its screen. */
export const GREETING = 'Hello, this is a guest.\r\n';
/** Where the first serial port of a PC is; 16550 UART: data, and five further the status, whose lowest bit says that something came. */
const SERIAL_PORT = 0x3f8;

/** A guest that says its greeting, and answers every byte that comes with the one after it, there and on its screen. */
function talkingSector(): Buffer {
  const word = (value: number): readonly number[] => [value & 0xff, value >> 8];
  const code = [
    [0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfc, 0xfb], // ds = ss = 0, sp = 7c00, cld, sti
    [0xbe, 0x80, 0x7c], // mov si, 7c80: the greeting
    [0xac, 0x84, 0xc0, 0x74, 0x05], // lodsb; test al, al; jz to the loop that listens
    [0xe8, 0x15, 0x00, 0xeb, 0xf6], // call say; jmp lodsb
    [0xf4], // hlt: until the next tick of the clock
    [0xba, ...word(SERIAL_PORT + 5), 0xec], // mov dx, status; in al, dx
    [0xa8, 0x01, 0x74, 0xf7], // test al, 1; jz hlt
    [0xba, ...word(SERIAL_PORT), 0xec], // mov dx, data; in al, dx
    [0x40, 0xe8, 0x02, 0x00, 0xeb, 0xee], // inc ax; call say; jmp status
    // say:
    [0xba, ...word(SERIAL_PORT), 0xee], // mov dx, data; out dx, al
    [0xb4, 0x0e, 0xbb, 0x07, 0x00, 0xcd, 0x10, 0xc3], // ah = 0e, bx = 7, int 10: write a character; ret
  ].flat();
  const sector = sectorOf(code);
  sector.write(GREETING, 0x80, 'latin1');
  return sector;
}

function sectorOf(code: readonly number[]): Buffer {
  const sector = Buffer.alloc(512);
  sector.set(code);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

const SECTORS = { obedient: obedientSector, deaf: deafSector, writing: writingSector, talking: talkingSector } as const;

export interface GuestWish {
  readonly name: string;
  readonly kind: keyof typeof SECTORS;
  readonly disks?: readonly string[];
  /** Put into the description beside the disks. */
  readonly devices?: string;
}

/** Defines a guest with disks of 64 MiB in qcow2; the first is booted from. Answers its UUID. */
export async function defineGuest(daemon: Libvirtd, { name, kind, disks = ['vda'], devices = '' }: GuestWish): Promise<string> {
  const sector = join(daemon.folder, `${kind}.sector`);
  await writeFile(sector, SECTORS[kind]());
  for (const disk of disks) {
    const path = diskPath(daemon, name, disk);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', 'compat=1.1', path, '64M']);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -q -s ${sector} 0 512`, path]);
    await giveAway(path);
  }
  const xml = join(daemon.folder, `${name}.xml`);
  await writeFile(xml, domainXml(daemon, { name, disks, devices }));
  daemon.virsh('define', xml);
  return daemon.virsh('domuuid', name).trim();
}

export const diskPath = (daemon: Libvirtd, name: string, disk: string): string => join(daemon.folder, 'images', `${name}-${disk}.qcow2`);

/** Always emulated: not every machine that has /dev/kvm can run guests with it. */
function domainXml(daemon: Libvirtd, { name, disks, devices }: Required<Pick<GuestWish, 'name' | 'disks' | 'devices'>>): string {
  const attached = disks.map(
    (disk) =>
      `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${diskPath(daemon, name, disk)}'/><target dev='${disk}' bus='virtio'/></disk>`,
  );
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os><features><acpi/></features>
<devices>${attached.join('')}<interface type='user'><model type='virtio'/></interface>${devices}<memballoon model='none'/></devices></domain>`;
}

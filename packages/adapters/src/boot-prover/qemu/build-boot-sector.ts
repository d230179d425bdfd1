import { Buffer } from 'node:buffer';

export interface TinyGuest {
  /** What it writes to its serial port and screen. */
  readonly says: string;
  /** Writes to its own disk before it speaks. */
  readonly writes: boolean;
  readonly afterwards: 'idle' | 'off';
}

const LOADED_AT = 0x7c00;
const SECTOR = 512;

/** A whole guest in one sector of 16-bit x86 code: a BIOS loads it to 7C00h and jumps there with the drive in DL. */
export function buildBootSector({ says, writes, afterwards }: TinyGuest): Buffer {
  const start = [0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb]; // cli; ds = es = ss = 0; sp = 7C00h; sti
  const write = [0xb8, 0x01, 0x03, 0xb9, 0x02, 0x00, 0xb6, 0x00, 0xbb, 0x00, 0x7c, 0xcd, 0x13]; // int 13h/03h: sector 2 from 7C00h
  const off = [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef]; // ACPI: SLP_EN to PM1a_CNT at 604h
  const before = [...start, ...(writes ? write : [])];
  const after = [...(afterwards === 'off' ? off : []), 0xf4, 0xeb, 0xfd]; // hlt, for ever
  const print = [0xac, 0x84, 0xc0, 0x74, 0x0c, 0xb4, 0x0e, 0x31, 0xdb, 0xcd, 0x10, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xef]; // lodsb; int 10h/0Eh; out 3F8h
  const textAt = LOADED_AT + before.length + 3 + print.length + after.length;
  const pointer = [0xbe, textAt % 256, Math.floor(textAt / 256)]; // mov si, text
  const text = [...Buffer.from(`${says}\r\n\0`, 'latin1')];
  const sector = Buffer.alloc(SECTOR);
  sector.set([...before, ...pointer, ...print, ...after, ...text]);
  sector.set([0x55, 0xaa], SECTOR - 2);
  return sector;
}

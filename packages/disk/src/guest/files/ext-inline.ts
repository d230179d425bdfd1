// "ext4 Data Structures and Algorithms", "Inline Data" and "Extended Attributes".
import { Fields } from '../fields.ts';

const BASE_SIZE = 128;
const EXTRA_SIZE = 128;
const MAGIC = 0xea02_0000;
const ENTRY = { nameIndex: 1, valueOffset: 2, valueSize: 8, name: 16 } as const;
/** Index 7 stands for the prefix `system.`. */
const SYSTEM = 7;
const NAME = 'data';

/** What an inode with inline content keeps beyond its first 60 bytes: the attribute `system.data` in its own tail. */
export function readExtInline(inode: Fields): Fields {
  const start = BASE_SIZE + (inode.length > BASE_SIZE ? inode.u16(EXTRA_SIZE) : 0);
  if (start + 4 > inode.length || inode.u32(start) !== MAGIC) return NOTHING;
  const first = start + 4;
  for (let at = first; at + ENTRY.name <= inode.length && inode.u32(at) !== 0; at += ENTRY.name + roundTo4(inode.u8(at))) {
    if (inode.u8(at + ENTRY.nameIndex) !== SYSTEM || inode.u8(at) !== NAME.length || !inode.has(at + ENTRY.name, NAME)) continue;
    return inode.part(first + inode.u16(at + ENTRY.valueOffset), inode.u32(at + ENTRY.valueSize));
  }
  return NOTHING;
}

const NOTHING = new Fields(Buffer.alloc(0), 'inline content');

const roundTo4 = (length: number): number => Math.ceil(length / 4) * 4;

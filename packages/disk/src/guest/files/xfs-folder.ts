// "XFS Algorithms & Data Structures", 3rd edition, "Directories": "Short Form", "Block", "Leaf" and "Node Directories".
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';
import { blocksOf, type FileNode, type FolderEntry } from './file-tree.ts';
import type { XfsGeometry } from './xfs-files.ts';

type Open = (number: bigint) => FileNode;

/** Entries inside the inode: two counts, the parent, then length, place, name and number of each. */
export function* shortEntriesOf(fork: Fields, geometry: XfsGeometry, open: Open): Generator<FolderEntry> {
  const isWide = fork.u8(1) > 0;
  const count = isWide ? fork.u8(1) : fork.u8(0);
  const numberSize = isWide ? 8 : 4;
  let at = 2 + numberSize;
  for (let index = 0; index < count; index += 1) {
    const nameLength = fork.u8(at);
    const name = fork.part(at + 3, nameLength).bytes.toString('utf8');
    const place = at + 3 + nameLength + (geometry.hasFileType ? 1 : 0);
    const number = isWide ? fork.bigU64be(place) : BigInt(fork.u32be(place));
    yield { name, open: () => open(number) };
    at = place + numberSize;
  }
}

const MAGICS: Readonly<Record<string, 'block' | 'leaf'>> = { XD2B: 'block', XDB3: 'block', XD2D: 'leaf', XDD3: 'leaf' };
const FREE = 0xffff;
const TAIL_SIZE = 8;
const LEAF_ENTRY_SIZE = 8;
/** Number, length of the name, and the entry's own place at its end. */
const ENTRY_FIXED_SIZE = 8 + 1 + 2;

/** Entries in the blocks of a folder. What is not there any more is a hole in between. */
export function* blockEntriesOf(content: Span, geometry: XfsGeometry, open: Open): Generator<FolderEntry> {
  for (const block of blocksOf(content, geometry.folderBlockSize, 'XFS folder')) {
    if (block.u32be(0) !== 0) yield* entriesOf(block, geometry, open);
  }
}

function* entriesOf(block: Fields, geometry: XfsGeometry, open: Open): Generator<FolderEntry> {
  const form = MAGICS[block.text(0, 4, 'latin1')];
  if (!form) throw damaged('a block of an XFS folder has no magic number');
  const end = form === 'block' ? block.length - TAIL_SIZE - block.u32be(block.length - TAIL_SIZE) * LEAF_ENTRY_SIZE : block.length;
  for (let at = geometry.version === 5 ? 64 : 16; at < end;) {
    if (block.u16be(at) === FREE) {
      const free = block.u16be(at + 2);
      if (free < 8) throw damaged('free room in an XFS folder has an impossible length');
      at += free;
      continue;
    }
    const number = block.bigU64be(at);
    const nameLength = block.u8(at + 8);
    const name = block.part(at + 9, nameLength).bytes.toString('utf8');
    yield { name, open: () => open(number) };
    at += Math.ceil((ENTRY_FIXED_SIZE + nameLength + (geometry.hasFileType ? 1 : 0)) / 8) * 8;
  }
}

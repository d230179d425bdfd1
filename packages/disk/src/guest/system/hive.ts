// "Windows registry file format specification" (M. Suhanov): a file of cells that name each other by their place behind the first 4096 bytes. All fields are little-endian.
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';

export interface HiveKey {
  child(name: string): HiveKey | undefined;
  /** A text value; undefined when it is missing or of another type. */
  text(name: string): string | undefined;
}

const HEADER_SIZE = 4096;
const MAGIC = 'regf';
const ROOT = 36;
const KEY = { flags: 2, childCount: 20, childList: 28, valueCount: 36, valueList: 40, nameLength: 72, name: 76 } as const;
const KEY_NAME_IS_LATIN = 0x20;
const VALUE = { nameLength: 2, size: 4, place: 8, type: 12, flags: 16, name: 20 } as const;
const VALUE_NAME_IS_LATIN = 1;
/** The value is in the field that else says where it is. */
const INLINE = 0x8000_0000;
const TEXT_TYPES: readonly number[] = [1, 2];
/** HKLM\SOFTWARE\Classes has 10,000; nothing on the way that is looked up has a tenth of it. */
const CHILDREN_MAX = 20_000;
const VALUES_MAX = 1024;
const TEXT_SIZE_MAX = 512;
/** Cells of lists and keys; values of text are shorter. */
const CELL_SIZE_MAX = 256 * 1024;

/** Opens the root key of a registry hive. Lookups go by name, without regard to case. */
export function openHive(file: Span): HiveKey {
  const header = file.read({ offset: 0, length: 512 }, 'registry hive');
  if (!header.has(0, MAGIC)) throw damaged('the registry hive has no magic number');
  return toKey(file, header.u32(ROOT));
}

function readCell(file: Span, place: number): Fields {
  const offset = HEADER_SIZE + place;
  // A size is negative when the cell is in use.
  const size = -(file.read({ offset, length: 4 }, 'registry cell').u32(0) | 0);
  if (size < 8 || size > CELL_SIZE_MAX) throw damaged('a cell of the registry hive has an impossible size');
  return file.read({ offset: offset + 4, length: size - 4 }, 'registry cell');
}

function toKey(file: Span, place: number): HiveKey {
  const cell = readCell(file, place);
  if (!cell.has(0, 'nk')) throw damaged('a key of the registry hive is not one');
  return {
    child: (name) => {
      if (cell.u32(KEY.childCount) === 0) return undefined;
      for (const child of childrenOf(file, cell.u32(KEY.childList)))
        if (keyNameOf(readCell(file, child)) === name.toLowerCase()) return toKey(file, child);
      return undefined;
    },
    text: (name) => findText(file, cell, name.toLowerCase()),
  };
}

function keyNameOf(cell: Fields): string {
  const isLatin = (cell.u16(KEY.flags) & KEY_NAME_IS_LATIN) !== 0;
  return nameAt(cell, { at: KEY.name, length: cell.u16(KEY.nameLength), isLatin });
}

function nameAt(cell: Fields, o: { readonly at: number; readonly length: number; readonly isLatin: boolean }): string {
  const { bytes } = cell.part(o.at, o.length);
  return bytes.toString(o.isLatin ? 'latin1' : 'utf16le').toLowerCase();
}

/** Lists with hashes (lf, lh), without (li), and lists of lists (ri), which do not nest. */
function* childrenOf(file: Span, place: number): Generator<number> {
  const list = readCell(file, place);
  const isOfLists = list.has(0, 'ri');
  const lists = isOfLists ? placesIn(list, 4) : [list];
  let count = 0;
  for (const item of lists) {
    const one = typeof item === 'number' ? readCell(file, item) : item;
    const step = one.has(0, 'lf') || one.has(0, 'lh') ? 8 : 4;
    if (step === 4 && !one.has(0, 'li')) throw damaged('a list of keys in the registry hive is not one');
    for (const child of placesIn(one, step)) {
      count += 1;
      if (count > CHILDREN_MAX) throw damaged('a key of the registry hive has more children than are looked through');
      yield child;
    }
  }
}

const LISTS_HEADER_SIZE = 4;

function placesIn(list: Fields, step: number): readonly number[] {
  const count = list.u16(2);
  if (LISTS_HEADER_SIZE + count * step > list.length) throw damaged('a list of keys in the registry hive is longer than its cell');
  return Array.from({ length: count }, (_, index) => list.u32(LISTS_HEADER_SIZE + index * step));
}

function findText(file: Span, key: Fields, wanted: string): string | undefined {
  const count = key.u32(KEY.valueCount);
  if (count === 0) return undefined;
  if (count > VALUES_MAX) throw damaged('a key of the registry hive has more values than are looked through');
  const list = readCell(file, key.u32(KEY.valueList));
  for (let index = 0; index < count; index += 1) {
    const value = readCell(file, list.u32(index * 4));
    if (!value.has(0, 'vk')) throw damaged('a value of the registry hive is not one');
    const isLatin = (value.u16(VALUE.flags) & VALUE_NAME_IS_LATIN) !== 0;
    const name = nameAt(value, { at: VALUE.name, length: value.u16(VALUE.nameLength), isLatin });
    if (name === wanted) return textOf(file, value);
  }
  return undefined;
}

function textOf(file: Span, value: Fields): string | undefined {
  const size = value.u32(VALUE.size);
  if (!TEXT_TYPES.includes(value.u32(VALUE.type))) return undefined;
  if (size >= INLINE) return value.utf16(VALUE.place, Math.min(size - INLINE, 4));
  if (size > TEXT_SIZE_MAX) throw damaged('a text in the registry hive is longer than any that is looked for');
  return readCell(file, value.u32(VALUE.place)).utf16(0, size);
}

// Registry hives for tests, written from "Windows registry file format specification" (M. Suhanov).

/** Keys and text values by name. */
export interface HiveTree {
  readonly [name: string]: HiveTree | string;
}

const HEADER_SIZE = 4096;
const BIN_HEADER_SIZE = 32;
const NONE = 0xffff_ffff;
const ROOT_FLAGS = 0x2c;
const KEY_FLAGS = 0x20;

/** Lays cells one after another and answers the places that name them. */
class Bin {
  readonly #cells: Buffer[] = [];
  #end = BIN_HEADER_SIZE;

  add(content: Buffer): number {
    const size = Math.ceil((content.length + 4) / 8) * 8;
    const cell = Buffer.alloc(size);
    cell.writeInt32LE(-size, 0);
    content.copy(cell, 4);
    const place = this.#end;
    this.#cells.push(cell);
    this.#end += size;
    return place;
  }

  /** The bin with its header, the rest of it one free cell. */
  toBytes(): Buffer {
    const size = Math.ceil((this.#end + 8) / 4096) * 4096;
    const header = Buffer.alloc(BIN_HEADER_SIZE);
    header.write('hbin', 0, 'latin1');
    header.writeUInt32LE(size, 8);
    const rest = Buffer.alloc(size - this.#end);
    rest.writeInt32LE(rest.length, 0);
    return Buffer.concat([header, ...this.#cells, rest]);
  }
}

export function buildHive(tree: HiveTree): Buffer {
  const bin = new Bin();
  const root = addKey(bin, '$$$PROTO.HIV', { tree, parent: 0, flags: ROOT_FLAGS });
  const bytes = bin.toBytes();
  const header = Buffer.alloc(HEADER_SIZE);
  header.write('regf', 0, 'latin1');
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(1, 8);
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(5, 24);
  header.writeUInt32LE(1, 32);
  header.writeUInt32LE(root, 36);
  header.writeUInt32LE(bytes.length, 40);
  header.writeUInt32LE(1, 44);
  let checksum = 0;
  for (let at = 0; at < 508; at += 4) checksum ^= header.readUInt32LE(at);
  header.writeUInt32LE(checksum >>> 0, 508);
  return Buffer.concat([header, bytes]);
}

function addKey(bin: Bin, name: string, o: { readonly tree: HiveTree; readonly parent: number; readonly flags: number }): number {
  const children = Object.entries(o.tree).filter((entry): entry is [string, HiveTree] => typeof entry[1] !== 'string');
  const values = Object.entries(o.tree).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const places = children.map(([child, tree]) => [child, addKey(bin, child, { tree, parent: 0, flags: KEY_FLAGS })] as const);
  const valuePlaces = values.map(([value, text]) => addValue(bin, value, text));
  const key = Buffer.alloc(76 + name.length);
  key.write('nk', 0, 'latin1');
  key.writeUInt16LE(o.flags, 2);
  key.writeUInt32LE(o.parent, 16);
  key.writeUInt32LE(children.length, 20);
  key.writeUInt32LE(children.length === 0 ? NONE : bin.add(listOf(places)), 28);
  key.writeUInt32LE(NONE, 32);
  key.writeUInt32LE(values.length, 36);
  key.writeUInt32LE(values.length === 0 ? NONE : bin.add(placesOf(valuePlaces)), 40);
  key.writeUInt32LE(NONE, 44);
  key.writeUInt32LE(NONE, 48);
  key.writeUInt16LE(name.length, 72);
  key.write(name, 76, 'latin1');
  return bin.add(key);
}

/** A list with the first four letters of each name. */
function listOf(children: readonly (readonly [name: string, place: number])[]): Buffer {
  const list = Buffer.alloc(4 + 8 * children.length);
  list.write('lf', 0, 'latin1');
  list.writeUInt16LE(children.length, 2);
  children.forEach(([name, place], index) => {
    list.writeUInt32LE(place, 4 + index * 8);
    list.write(name.slice(0, 4), 8 + index * 8, 'latin1');
  });
  return list;
}

function placesOf(places: readonly number[]): Buffer {
  const list = Buffer.alloc(4 * places.length);
  places.forEach((place, index) => list.writeUInt32LE(place, index * 4));
  return list;
}

function addValue(bin: Bin, name: string, text: string): number {
  const content = Buffer.from(`${text}\0`, 'utf16le');
  const value = Buffer.alloc(20 + name.length);
  value.write('vk', 0, 'latin1');
  value.writeUInt16LE(name.length, 2);
  value.writeUInt32LE(content.length, 4);
  value.writeUInt32LE(bin.add(content), 8);
  value.writeUInt32LE(1, 12);
  value.writeUInt16LE(1, 16);
  value.write(name, 20, 'latin1');
  return bin.add(value);
}

/** What tells a Windows, among other things. */
export const windowsHive = (about: Readonly<Record<string, string>>): Buffer =>
  buildHive({
    Classes: { '.txt': { Content: 'text' } },
    Microsoft: { Windows: { Shell: 'none' }, 'Windows NT': { CurrentVersion: { SystemRoot: 'C:\\Windows', ...about } } },
  });

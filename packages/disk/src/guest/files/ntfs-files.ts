// "NTFS Documentation" of the Linux-NTFS project: "$INDEX_ROOT", "$INDEX_ALLOCATION", "$ATTRIBUTE_LIST", "$FILE_NAME". All fields are little-endian.
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import { bytesSpan } from '../span.ts';
import { blocksOf, type FileNode, type FileTree, type FolderEntry } from './file-tree.ts';
import { applyFixups, attributeOf, contentOf, DATA, type NtfsAttribute, type NtfsRecord, type NtfsRecords } from './ntfs-records.ts';

const ROOT_RECORD = 5;
const ATTRIBUTE_LIST = 0x20;
const INDEX_ROOT = 0x90;
const INDEX_ALLOCATION = 0xa0;
/** The index of a folder by name. */
const INDEX_NAME = '$I30';
const INDEX_MAGIC = 'INDX';
const NODE_IN_ROOT = 16;
const NODE_IN_BLOCK = 24;
const NODE = { entries: 0, used: 4 } as const;
const ENTRY = { length: 8, keyLength: 10, flags: 12, key: 16 } as const;
const LAST = 2;
const KEY = { nameLength: 64, nameSpace: 65, name: 66 } as const;
/** Names for programs of DOS, beside the true one. */
const DOS = 2;
const LIST_ENTRY = { length: 4, record: 16, size: 26 } as const;
/** Records of one file: more pieces than this are not worth following. */
const LIST_MAX = 128;
const LIST_SIZE_MAX = 256 * 1024;

export function openNtfsFiles(records: NtfsRecords): FileTree {
  const opened = new WeakMap<FileNode, readonly NtfsAttribute[]>();
  const open = (reference: bigint | undefined): FileNode => {
    const record = reference === undefined ? records.read(ROOT_RECORD) : readReferred(records, reference);
    const attributes = [...record.attributes, ...readListed(records, record)];
    const pieces = attributes.filter(({ type, name }) => type === DATA && name === '');
    const node: FileNode = record.isFolder
      ? { kind: 'folder', content: bytesSpan(Buffer.alloc(0)) }
      : { kind: 'file', content: contentOf(records, pieces) };
    opened.set(node, attributes);
    return node;
  };
  return {
    ignoresCase: true,
    root: () => open(undefined),
    *entries(folder) {
      yield* entriesOf(records, opened.get(folder) ?? [], open);
    },
  };
}

/** A reference is a number of 48 bits and the sequence that the record had when it was made. */
function readReferred(records: NtfsRecords, reference: bigint): NtfsRecord {
  const record = records.read(Number(reference & 0xffff_ffff_ffffn));
  if (!record.isInUse || record.sequence !== Number(reference >> 48n)) throw damaged('a name in an NTFS folder leads to a file that is gone');
  return record;
}

/** Attributes of a file that has more of them than one record holds. */
function readListed(records: NtfsRecords, record: NtfsRecord): readonly NtfsAttribute[] {
  const list = record.attributes.filter(({ type }) => type === ATTRIBUTE_LIST);
  if (list.length === 0) return [];
  const content = contentOf(records, list);
  if (content.size > LIST_SIZE_MAX) throw damaged('the list of attributes of an NTFS file is too long');
  const fields = content.read({ offset: 0, length: content.size }, 'NTFS attribute list');
  const numbers = new Set<number>();
  for (let at = 0; at + LIST_ENTRY.size <= fields.length;) {
    const length = fields.u16(at + LIST_ENTRY.length);
    if (length < LIST_ENTRY.size) throw damaged('an entry in the list of attributes of an NTFS file has an impossible length');
    numbers.add(Number(fields.bigU64(at + LIST_ENTRY.record) & 0xffff_ffff_ffffn));
    at += length;
  }
  if (numbers.size > LIST_MAX) throw damaged('an NTFS file lies in more records than are looked at');
  return [...numbers].flatMap((number) => {
    const { attributes } = records.read(number);
    return attributes.some(({ type }) => type === ATTRIBUTE_LIST) ? [] : attributes;
  });
}

function* entriesOf(records: NtfsRecords, attributes: readonly NtfsAttribute[], open: (reference: bigint) => FileNode): Generator<FolderEntry> {
  const record = { isFolder: true, isInUse: true, sequence: 0, attributes };
  const root = attributeOf(record, INDEX_ROOT, INDEX_NAME)?.value;
  if (!root) throw damaged('an NTFS folder has no index');
  yield* namesOf(root, NODE_IN_ROOT, open);
  const stored = attributes.filter(({ type, name }) => type === INDEX_ALLOCATION && name === INDEX_NAME);
  if (stored.length === 0) return;
  // The order of the tree does not matter to whoever looks at every name; a block that was freed has no magic number or stale references.
  for (const block of blocksOf(contentOf(records, stored), records.geometry.indexSize, 'NTFS folder')) {
    if (block.has(0, INDEX_MAGIC)) yield* namesOf(applyFixups(block), NODE_IN_BLOCK, open);
  }
}

function* namesOf(fields: Fields, node: number, open: (reference: bigint) => FileNode): Generator<FolderEntry> {
  const end = node + fields.u32(node + NODE.used);
  for (let at = node + fields.u32(node + NODE.entries); at < end;) {
    const length = fields.u16(at + ENTRY.length);
    if ((fields.u16(at + ENTRY.flags) & LAST) !== 0) return;
    if (length < ENTRY.key) throw damaged('an entry of an NTFS folder has an impossible length');
    const key = fields.part(at + ENTRY.key, fields.u16(at + ENTRY.keyLength));
    const reference = fields.bigU64(at);
    if (key.u8(KEY.nameSpace) !== DOS) yield { name: key.utf16(KEY.name, 2 * key.u8(KEY.nameLength)), open: () => open(reference) };
    at += length;
  }
}

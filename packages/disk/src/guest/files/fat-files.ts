// "FAT: General Overview of On-Disk Format" 1.03: "FAT Directory Structure", "Long File Names".
import type { ByteRange } from '@hypersdk/domain';
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import { bytesSpan, mappedSpan, partOf, type Span } from '../span.ts';
import type { FileNode, FileTree, FolderEntry } from './file-tree.ts';

export interface FatGeometry {
  readonly kind: 'fat12' | 'fat16' | 'fat32';
  readonly sectorSize: number;
  readonly clusterSize: number;
  readonly clusterCount: number;
  readonly tableOffset: number;
  /** Where cluster 2, the first, begins. */
  readonly heapOffset: number;
  readonly root: { readonly cluster: number } | ByteRange;
}

const ENTRY_SIZE = 32;
const ENTRY = { attributes: 11, letters: 12, clusterHigh: 20, clusterLow: 26, size: 28 } as const;
const ATTRIBUTE = { label: 0x08, folder: 0x10, longName: 0x0f, longNameMask: 0x3f } as const;
const END = 0x00;
const DELETED = 0xe5;
/** Windows NT keeps names of lower-case letters without a long name, by these bits. */
const LOWER = { name: 0x08, extension: 0x10 } as const;
/** A first byte of 0xE5 that is meant is stored as this. */
const KANJI = 0x05;
/** "Long File Names": 255 letters, in pieces of 13. */
const LONG_NAME_MAX = 260;
/** Clusters of a file that are followed: 64 MiB of 4 KiB, larger than any file that is looked into. */
const CHAIN_MAX = 16_384;
/** The specification allows 65,536 entries of 32 bytes. */
const FOLDER_SIZE_MAX = 2 * 1024 * 1024;

export function openFatFiles(volume: Span, geometry: FatGeometry): FileTree {
  return {
    ignoresCase: true,
    root: () => ({ kind: 'folder', content: rootOf(volume, geometry) }),
    *entries(folder) {
      for (const { entry, name } of readEntries(folder.content)) yield toEntry(volume, geometry, { entry, name });
    },
  };
}

/** The label that stands in the root folder, which is the one that systems show. */
export function readFatLabel(volume: Span, geometry: FatGeometry): string | undefined {
  for (const { entry, isLabel } of readEntries(rootOf(volume, geometry))) if (isLabel) return entry.text(0, 11, 'latin1');
  return undefined;
}

const rootOf = (volume: Span, geometry: FatGeometry): Span =>
  'cluster' in geometry.root ? chainSpan(volume, geometry, { cluster: geometry.root.cluster }) : partOf(volume, geometry.root);

interface RawEntry {
  readonly entry: Fields;
  readonly name: string;
  readonly isLabel: boolean;
}

function* readEntries(folder: Span): Generator<RawEntry> {
  let longName = '';
  for (let offset = 0; offset + ENTRY_SIZE <= Math.min(folder.size, FOLDER_SIZE_MAX); offset += ENTRY_SIZE) {
    const entry = folder.read({ offset, length: ENTRY_SIZE }, 'FAT folder');
    const first = entry.u8(0);
    if (first === END) return;
    const attributes = entry.u8(ENTRY.attributes) & ATTRIBUTE.longNameMask;
    if (first === DELETED) {
      longName = '';
    } else if (attributes === ATTRIBUTE.longName) {
      // Pieces stand in front of their entry, the last one first; 0x40 marks it.
      longName = longPieceOf(entry) + ((first & 0x40) === 0 && longName.length < LONG_NAME_MAX ? longName : '');
    } else {
      const isLabel = (attributes & ATTRIBUTE.label) !== 0;
      yield { entry, isLabel, name: longName.replace(/[\0\uffff].*$/su, '') || shortNameOf(entry) };
      longName = '';
    }
  }
}

const longPieceOf = (entry: Fields): string =>
  Buffer.concat([entry.part(1, 10).bytes, entry.part(14, 12).bytes, entry.part(28, 4).bytes]).toString('utf16le');

function shortNameOf(entry: Fields): string {
  const name = entry.bytes.toString('latin1', 0, 8).trimEnd();
  const extension = entry.bytes.toString('latin1', 8, 11).trimEnd();
  const whole = entry.u8(0) === KANJI ? `\u00e5${name.slice(1)}` : name;
  const letters = entry.u8(ENTRY.letters);
  const lower = (text: string, bit: number): string => ((letters & bit) === 0 ? text : text.toLowerCase());
  return lower(whole, LOWER.name) + (extension === '' ? '' : `.${lower(extension, LOWER.extension)}`);
}

function toEntry(volume: Span, geometry: FatGeometry, { entry, name }: { readonly entry: Fields; readonly name: string }): FolderEntry {
  const attributes = entry.u8(ENTRY.attributes);
  const high = geometry.kind === 'fat32' ? entry.u16(ENTRY.clusterHigh) * 2 ** 16 : 0;
  const cluster = entry.u16(ENTRY.clusterLow) + high;
  return {
    name,
    open: (): FileNode => {
      if ((attributes & ATTRIBUTE.label) !== 0) return { kind: 'other', content: bytesSpan(Buffer.alloc(0)) };
      // The entry of a parent that is the root has cluster 0.
      if ((attributes & ATTRIBUTE.folder) !== 0)
        return { kind: 'folder', content: cluster === 0 ? rootOf(volume, geometry) : chainSpan(volume, geometry, { cluster }) };
      const size = entry.u32(ENTRY.size);
      return { kind: 'file', content: size === 0 ? bytesSpan(Buffer.alloc(0)) : chainSpan(volume, geometry, { cluster, size }) };
    },
  };
}

/** The clusters of a chain, followed no further than they are read. Without a size it ends where the chain does. */
function chainSpan(volume: Span, geometry: FatGeometry, o: { readonly cluster: number; readonly size?: number }): Span {
  const { clusterSize, clusterCount } = geometry;
  const chain = [o.cluster];
  const clusterAt = (index: number): number | undefined => {
    while (chain.length <= index) {
      const next = nextCluster(volume, geometry, chain.at(-1) ?? 0);
      if (next === undefined) return undefined;
      if (chain.length >= CHAIN_MAX) throw damaged('a chain of FAT clusters goes on without end');
      chain.push(next);
    }
    const cluster = chain[index];
    if (cluster === undefined || cluster < 2 || cluster >= clusterCount + 2) throw damaged('a chain of FAT clusters leads outside the file system');
    return cluster;
  };
  const size = o.size ?? clusterSize * lengthOf(clusterAt);
  return mappedSpan(size, (offset) => {
    const inCluster = offset % clusterSize;
    const cluster = clusterAt((offset - inCluster) / clusterSize);
    if (cluster === undefined) throw damaged('a FAT file is longer than its chain of clusters');
    return { length: clusterSize - inCluster, from: { span: volume, offset: geometry.heapOffset + (cluster - 2) * clusterSize + inCluster } };
  });
}

function lengthOf(clusterAt: (index: number) => number | undefined): number {
  let count = 0;
  while (clusterAt(count) !== undefined) count += 1;
  return count;
}

/** Entries of 12, 16 or 28 bits; undefined behind the last. */
function nextCluster(volume: Span, { kind, tableOffset }: FatGeometry, cluster: number): number | undefined {
  const read = (offset: number, length: number): Fields => volume.read({ offset: tableOffset + offset, length }, 'FAT');
  if (kind === 'fat32') {
    const next = read(cluster * 4, 4).u32(0) & 0x0fff_ffff;
    return next >= 0x0fff_fff8 ? undefined : next;
  }
  if (kind === 'fat16') {
    const next = read(cluster * 2, 2).u16(0);
    return next >= 0xfff8 ? undefined : next;
  }
  const pair = read(Math.floor(cluster * 1.5), 2).u16(0);
  const next = cluster % 2 === 0 ? pair & 0xfff : pair >> 4;
  return next >= 0xff8 ? undefined : next;
}
